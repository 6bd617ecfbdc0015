"""A photo with its classes drawn over it."""

import numpy as np

from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.pictures.legend import add_legend

# Maximum number of pixels that are blended in one step.
MAX_BLENDED_PIXELS = 1_000_000


def draw_overlay(
    image,
    labels,
    class_names,
    palette,
    alpha=0.55,
    legend=True,
    ignore_class=255,
    void_name="no label",
    max_entries=None,
) -> np.ndarray:
    """Draws the classes over a photo in colour, with contours and a legend.

    Args:
        image: The photo; see `keras_seg_runtime.segment`.
        labels: Integer array `(H, W)`: the class of each pixel of the photo.
        class_names: List of strings, one for each class.
        palette: Array `(K, 3)`, RGB in 0..255: the colour of each class.
        alpha: Float in `[0, 1]`. Opacity of the colours.
        legend: Boolean. Whether to add a legend: below a wide picture, beside a tall
            one. It lists the classes found with their share of the picture, largest
            first.
        ignore_class: Integer or `None`. Pixels with this id are not coloured.
        void_name: String. Name of void in the last line of the legend.
        max_entries: Integer or `None`. Maximum number of lines for classes. If there
            are more classes, the smallest ones are combined in one line. `None` sets no
            limit.

    Returns:
        uint8 array `(H, W, 3)`, larger where a legend is added.

    Raises:
        ValueError: If shapes, ids, names or colours do not match.

    Example:

    ```python
    import numpy as np
    from keras_seg.visualization import default_palette, draw_overlay

    photo = np.full((90, 120, 3), 128, "uint8")
    labels = np.zeros((90, 120), "int32")
    labels[40:] = 1
    picture = draw_overlay(photo, labels, ["sky", "road"], default_palette(2))
    ```
    """
    image, labels = as_rgb(image), np.asarray(labels)
    palette = np.asarray(palette)
    _check(image, labels, class_names, palette, alpha)
    palette = palette.astype("uint8")

    ids, counts = np.unique(labels, return_counts=True)
    shares = dict(zip(ids.tolist(), (counts / labels.size).tolist(), strict=True))
    unlabelled = shares.pop(ignore_class, 0.0)
    unknown = [class_id for class_id in shares if not 0 <= class_id < len(palette)]
    if unknown:
        raise ValueError(
            f"`labels` must lie in 0..{len(palette) - 1}, as there are {len(palette)} "
            f"classes, or be ignore_class={ignore_class}. Received: {unknown[:10]}"
        )

    picture = _blend(image, labels, palette, alpha, ignore_class)
    _draw_contours(picture, labels)
    if not legend:
        return picture
    entries = [
        (class_names[class_id], tuple(palette[class_id].tolist()), share)
        for class_id, share in sorted(shares.items(), key=lambda item: -item[1])
    ]
    if max_entries is not None and len(entries) > max_entries:
        rest = entries[max_entries - 1 :]
        share = sum(share for _, _, share in rest)
        entries[max_entries - 1 :] = [(f"{len(rest)} others", None, share)]
    if unlabelled:
        entries.append((void_name, None, unlabelled))
    return add_legend(picture, entries)


def _blend(image, labels, palette, alpha, ignore_class):
    colours = palette.astype("float32") * np.float32(alpha)  # (K, 3)
    picture = np.empty_like(image)
    step = max(1, MAX_BLENDED_PIXELS // labels.shape[1])
    for top in range(0, len(labels), step):
        part = slice(top, top + step)
        ignored = labels[part] == ignore_class
        blended = image[part] * np.float32(1.0 - alpha)
        blended += colours[np.where(ignored, 0, labels[part])]
        np.rint(blended, out=blended)
        picture[part] = np.where(ignored[..., None], image[part], blended)
    return picture


def _draw_contours(picture, labels):
    """Draws a light line along the borders between classes, in place."""
    height, width = labels.shape
    if min(height, width) < 32:
        return  # lines would hide the regions
    border = np.zeros((height, width), bool)
    border[1:] |= labels[1:] != labels[:-1]
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    thickness = max(1, round((height * width) ** 0.5 / 700))
    if thickness > 1:
        border = _thicken(_thicken(border, thickness).T, thickness).T
    picture[border] = picture[border] // 4 + 191  # 25 % photo, 75 % white


def _thicken(border, thickness):
    """Widens lines along the first axis."""
    thick = border.copy()
    for shift in range(1, thickness // 2 + 1):
        thick[shift:] |= border[:-shift]
    for shift in range(1, thickness - thickness // 2):
        thick[:-shift] |= border[shift:]
    return thick


def _check(image, labels, class_names, palette, alpha):
    if labels.dtype.kind not in "ui" or labels.shape != image.shape[:2]:
        raise ValueError(
            "`labels` must be an integer array of the picture's height and width, "
            f"{image.shape[:2]}. Received: shape {labels.shape}, dtype {labels.dtype}"
        )
    if palette.ndim != 2 or palette.shape[1] != 3 or len(palette) != len(class_names):
        raise ValueError(
            "`palette` must have one [red, green, blue] for each of the "
            f"{len(class_names)} class names. Received: shape {palette.shape}"
        )
    if palette.min() < 0 or palette.max() > 255:
        raise ValueError(
            "`palette` must lie in 0..255. "
            f"Received: {palette.min()} to {palette.max()}"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must lie in [0, 1]. Received: alpha={alpha}")
