import cv2
import numpy as np


def connected_components(labels, ignore_class=255, max_components=32, min_area=64):
    """Numbers the connected parts of one label map, the largest first.

    Pixels of one class that touch, also at a corner, are one component. It stands for
    an object, as far as labels without instances can tell.

    Args:
        labels: Integer array `(H, W)`, class ids.
        ignore_class: Integer, the void label, which makes no components; or `None`.
        max_components: Integer, at most 32,767. Only the largest are numbered.
        min_area: Integer. Components of fewer pixels are left out.

    Returns:
        int32 array `(H, W)`: 1 for the largest component, 2 for the next, and 0 for
        everything that belongs to none.

    Raises:
        ValueError: If `labels` is no integer array `(H, W)`, or a number is out of
            range.

    Example:

    ```python
    import numpy as np
    from keras_seg.data import connected_components

    labels = np.array([[0, 0, 1], [0, 2, 2], [255, 255, 255]])
    print(connected_components(labels, min_area=1).tolist())
    # [[1, 1, 3], [1, 2, 2], [0, 0, 0]]
    ```
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise ValueError(
            "`labels` must be an integer array (height, width). Received: shape "
            f"{labels.shape}, dtype {labels.dtype}."
        )
    if not 1 <= max_components <= 32767 or min_area < 1:
        raise ValueError(
            "`max_components` must lie in 1..32767 and `min_area` must be at least 1. "
            f"Received: max_components={max_components}, min_area={min_area}."
        )
    numbers = np.zeros(labels.shape, "int32")  # 0 where there is no component
    count = 1
    for class_id in np.unique(labels):
        if class_id == ignore_class:
            continue
        mask = (labels == class_id).astype("uint8")
        left, top, width, height = cv2.boundingRect(mask)
        box = slice(top, top + height), slice(left, left + width)
        # Areas by `bincount` below: OpenCV's statistics take ten times as long.
        found, parts = cv2.connectedComponents(mask[box], connectivity=8)
        numbers[box] += parts + mask[box] * np.int32(count - 1)
        count += found - 1
    areas = np.bincount(numbers.ravel(), minlength=count)
    areas[0] = 0
    order = np.argsort(-areas, kind="stable")[:max_components]
    order = order[areas[order] >= min_area]
    rank = np.zeros(count, "int32")
    rank[order] = np.arange(1, len(order) + 1)
    return rank[numbers]
