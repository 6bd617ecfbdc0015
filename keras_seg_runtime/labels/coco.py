"""Label maps as annotations of COCO, which many tools for labelling read."""

import numpy as np

from keras_seg_runtime.labels.label_map import as_label_map


def coco_annotations(labels, num_classes, image_id=1, first_id=1) -> list:
    """The annotations of an image in COCO's format: one for each class in it.

    A segmentation is run-length encoded, and holds each pixel exactly, also holes.

    Args:
        labels: Integer array `(H, W)` of class ids. Other ids, such as void, have no
            annotation.
        num_classes: Integer.
        image_id: Integer. The id of the image in the file.
        first_id: Integer, at least 1. The id of the first annotation; the others
            follow.

    Returns:
        List of dictionaries: `id`, `image_id`, `category_id` (the class id),
        `segmentation` (`{"size": [H, W], "counts": [...]}`, which
        `pycocotools.mask.frPyObjects` takes), `area` in pixels, `bbox`
        `[left, top, width, height]` and `iscrowd` 0.

    Raises:
        ValueError: If `labels` is not an integer map.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime import coco_annotations

    sky, sea = coco_annotations(np.array([[0, 0], [1, 0]]), num_classes=2)
    print(sea["segmentation"]["counts"], sea["bbox"])  # [1, 1, 2] [0, 1, 1, 1]
    ```
    """
    labels = as_label_map(labels)
    annotations = []
    for class_id in np.unique(labels).tolist():
        if not 0 <= class_id < num_classes:
            continue
        mask = labels == class_id
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        top, left, bottom, right = map(
            int, (rows[0], columns[0], rows[-1], columns[-1])
        )
        annotations.append(
            {
                "id": first_id + len(annotations),
                "image_id": image_id,
                "category_id": class_id,
                "segmentation": {
                    "size": list(labels.shape),
                    "counts": run_lengths(mask),
                },
                "area": int(np.count_nonzero(mask)),
                "bbox": [
                    left,
                    top,
                    int(columns[-1]) - left + 1,
                    int(rows[-1]) - top + 1,
                ],
                "iscrowd": 0,
            }
        )
    return annotations


def run_lengths(mask):
    """The lengths of the runs of `False` and `True` in turn, column by column.

    Args:
        mask: Boolean array `(H, W)`.

    Returns:
        List of integers that sum to `H * W`. The first is the number of `False`
        before the first `True`, which may be 0.
    """
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], edges, [flat.size]])
    lengths = np.diff(edges).tolist()
    return [0, *lengths] if flat[0] else lengths
