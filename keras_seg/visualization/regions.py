import numpy as np

from keras_seg.data.palette import default_palette
from keras_seg_runtime.pictures.overlay import draw_overlay


def draw_regions(
    image, regions, labels, class_names, alpha=0.55, legend=True
) -> np.ndarray:
    """Draws the latent regions of a model over a photo in colour.

    A region has the same colour in every photo. The legend gives the number of each
    region and the most frequent class of its pixels in this photo. It lists the largest
    regions; the others are combined in its last line.

    Args:
        image: The photo; see `keras_seg.inference.segment`.
        regions: Integer array `(H, W)`, as `model.regions(image, hard=True)` returns
            it.
        labels: Integer array `(H, W)` of class ids, as `model.segment(image)` returns
            it.
        class_names: List of strings, one for each class.
        alpha, legend: See `draw_overlay`.

    Returns:
        uint8 array `(H, W, 3)`, larger where a legend is added.

    Raises:
        ValueError: If the shapes do not match.

    Example:

    ```python
    import numpy as np
    from keras_seg.visualization import draw_regions

    photo = np.full((90, 120, 3), 128, "uint8")
    regions = np.zeros((90, 120), "int32")
    regions[40:] = 7
    labels = (regions > 0).astype("int32")
    picture = draw_regions(photo, regions, labels, ["sky", "road"])
    # the legend says "0 sky" and "7 road"
    ```
    """
    regions, labels = np.asarray(regions), np.asarray(labels)
    if regions.shape != labels.shape:
        raise ValueError(
            "`regions` and `labels` must have the same shape. Received: "
            f"{regions.shape} and {labels.shape}."
        )
    names = [
        f"{k} {_most_frequent(labels[regions == k], class_names)}"
        for k in range(int(regions.max()) + 1)
    ]
    return draw_overlay(
        image,
        regions,
        names,
        default_palette(len(names)),
        alpha=alpha,
        legend=legend,
        ignore_class=None,
        max_entries=MAX_ENTRIES,
    )


MAX_ENTRIES = 20  # a legend with 64 lines would be larger than the photo


def _most_frequent(labels, class_names):
    inside = labels[(labels >= 0) & (labels < len(class_names))]
    if not inside.size:
        return "no label"
    return class_names[int(np.bincount(inside.ravel()).argmax())]
