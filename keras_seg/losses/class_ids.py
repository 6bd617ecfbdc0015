"""Label maps of class ids, as losses and metrics take them."""

import numpy as np
from keras import ops


def class_ids(y_true, name, num_classes=None, ignore_class=None):
    """Converts a label map to int32 `(B, H, W)`.

    Ids are checked only in NumPy arrays, since reading the values of a tensor would
    force the device to synchronise.

    Args:
        y_true: Integer array or tensor `(B, H, W)` or `(B, H, W, 1)`.
        name: String. Name of the loss or metric, for error messages.
        num_classes: Integer or `None`. Ids must be less than it. With `None`, ids are
            not checked.
        ignore_class: Integer or `None`. The void label.

    Returns:
        Integer tensor `(B, H, W)`.

    Raises:
        ValueError: If the labels are one-hot, or a NumPy array has values that are not
            class ids.

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
            f"{labels.dtype} with values that are not integers. For one map of "
            "probabilities use labels > 0.5; for a channel per class use "
            "np.argmax(labels, axis=-1)."
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
