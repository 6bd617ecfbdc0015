"""Number the connected components of label maps, and pack the numbers into them."""

import cv2
import numpy as np

from keras_seg.losses.unpack_components import SHIFT


def connected_components(
    labels, ignore_class=255, max_components=32, min_area=64
) -> np.ndarray:
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


def pack_components(
    labels, ignore_class=255, max_components=32, min_area=64
) -> np.ndarray:
    """Puts the number of its connected component above the class of each pixel.

    So models that learn from components still have one target. They do this
    themselves in `fit` and `train_on_batch`; a training loop of one's own must call
    it. The models, and no others, take the two apart again.

    Args:
        labels: Integer array `(B, H, W)` or `(B, H, W, 1)`, ids below 65,536.
        ignore_class, max_components, min_area: See `connected_components`.

    Returns:
        int32 array of the same shape: `labels + 65536 * components`.

    Raises:
        ValueError: If `labels` has another shape or type, or too large ids.

    Example:

    ```python
    import numpy as np
    from keras_seg.data import pack_components

    labels = np.array([[[0, 0, 7], [0, 255, 7]]])
    print(pack_components(labels, min_area=1) // 65536)  # [[[1 1 2] [1 0 2]]]
    ```
    """
    labels = np.asarray(labels)
    if labels.dtype.kind == "f" and np.array_equal(labels, np.round(labels)):
        labels = labels.astype("int32")
    maps = labels[..., 0] if labels.ndim == 4 and labels.shape[-1] == 1 else labels
    if maps.ndim != 3 or maps.dtype.kind not in "ui":
        raise ValueError(
            "`labels` must be class ids, (batch, height, width) or (batch, height, "
            f"width, 1). Received: shape {labels.shape}, dtype {labels.dtype}."
        )
    if labels.size and labels.max() >= 2**SHIFT:
        raise ValueError(
            f"Class ids must lie below {2**SHIFT}. Received: up to {labels.max()}. "
            "Were components added already?"
        )
    components = [
        connected_components(x, ignore_class, max_components, min_area) for x in maps
    ]
    components = np.array(components, "int32").reshape(labels.shape)
    return labels.astype("int32") + components * 2**SHIFT
