"""What losses and metrics take for the truth: label maps of class ids."""

import numpy as np
from keras import ops


def class_ids(y_true, name, num_classes=None, ignore_class=None):
    """A label map as int32 `(B, H, W)`.

    Ids are checked in NumPy arrays alone: a step on a device does not stop for them.

    Args:
        y_true: Integer array or tensor `(B, H, W)` or `(B, H, W, 1)`.
        name: String, what the labels are given to, for messages.
        num_classes: Integer: ids must lie below it. `None` checks no ids.
        ignore_class: Integer, the void label, or `None`.

    Returns:
        Integer tensor `(B, H, W)`.

    Raises:
        ValueError: If the labels are one-hot, or an array has other values.

    Example:

    ```python
    import numpy as np
    from keras_seg.losses.class_ids import class_ids

    print(class_ids(np.array([[[[0.0], [255.0]]]]), "a loss").shape)  # (1, 1, 2)
    ```
    """
    shape = tuple(np.shape(y_true) if isinstance(y_true, list) else y_true.shape)
    if len(shape) > 3 and shape[-1] != 1:
        raise ValueError(
            f"{name} takes class ids, (batch, height, width) or (batch, height, width, "
            f"1). Received: labels of shape {shape}. For one-hot labels or "
            "probabilities use np.argmax(labels, axis=-1)."
        )
    if isinstance(y_true, (np.ndarray, list)):
        _check_values(np.asarray(y_true), name, num_classes, ignore_class)
    labels = ops.cast(y_true, "int32")
    return ops.squeeze(labels, axis=-1) if len(shape) > 3 else labels


def _check_values(labels, name, num_classes, ignore_class):
    if labels.dtype.kind == "f" and (labels != np.round(labels)).any():
        raise ValueError(
            f"{name} takes class ids, which are integers. Received: labels of dtype "
            f"{labels.dtype} with fractions. For one map of probabilities use "
            "labels > 0.5; for a channel per class np.argmax(labels, axis=-1)."
        )
    if num_classes is None or not labels.size:
        return
    stray = (labels < 0) | (labels >= num_classes)
    if stray.any() and ignore_class is not None:
        stray &= labels != ignore_class
    if stray.any():
        ids = np.unique(labels[stray]).tolist()
        void = "no void" if ignore_class is None else f"void {ignore_class}"
        raise ValueError(
            f"{name} has num_classes={num_classes} and {void}. Received: labels with "
            f"the ids {ids[:8]}{'...' if len(ids) > 8 else ''}. Map them to classes or "
            "to void, or pass ignore_class=... for void."
        )
