"""Label maps of class ids, as losses and metrics take them."""

import contextlib
import contextvars

import numpy as np
from keras import ops

from keras_seg.keras_internals.concrete_values import concrete_values

# Whether the labels of all batches were checked before.
_ARE_CHECKED = contextvars.ContextVar("_ARE_CHECKED", default=False)


def class_ids(
    y_true, name, num_classes=None, ignore_class=None, argument="num_classes"
):
    """Converts a label map to int32 `(B, H, W)`.

    Ids are checked where the labels have values: not in a compiled step, and not
    within `labels_are_checked`.

    Args:
        y_true: Integer array or tensor `(B, H, W)` or `(B, H, W, 1)`.
        name: String. Name of the loss or metric, for error messages.
        num_classes: Integer or `None`. Ids must be less than it. With `None`, ids are
            not checked.
        ignore_class: Integer or `None`. The void label.
        argument: String. Name of the argument that gave `num_classes`.

    Returns:
        Integer tensor `(B, H, W)`.

    Raises:
        ValueError: If the labels are one-hot, or have values that are not class ids.

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
    values = None if _ARE_CHECKED.get() else concrete_values(y_true)
    if values is not None:
        _check_values(values, name, num_classes, ignore_class, argument)
    labels = ops.cast(y_true, "int32")
    return ops.squeeze(labels, axis=-1) if len(shape) > 3 else labels


@contextlib.contextmanager
def labels_are_checked():
    """Losses and metrics do not check the values of labels, so that no step waits."""
    token = _ARE_CHECKED.set(True)
    try:
        yield
    finally:
        _ARE_CHECKED.reset(token)


def _check_values(labels, name, num_classes, ignore_class, argument):
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
        ids = np.unique(labels[stray]).astype("int64").tolist()
        void = "no void" if ignore_class is None else f"void {ignore_class}"
        raise ValueError(
            f"{name} has {argument}={num_classes} and {void}. Received: labels with "
            f"the ids {ids[:8]}{'...' if len(ids) > 8 else ''}. Map them to classes or "
            "to void, or pass ignore_class=... for void."
        )
