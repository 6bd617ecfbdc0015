"""The logits of windows of images."""

import numpy as np

from keras_seg_runtime.labels.window_logits import WindowLogits
from keras_seg_runtime.labels.window_size import fixed_size

# The stride of the coarsest level of most backbones. A shorter side can become 0 inside
# the model.
MIN_SIDE = 32


def padded_window(model, windows):
    """Windows `(..., h, w, 3)`, padded at their edges to the least size of a model."""
    least = fixed_size(model) or (MIN_SIDE, MIN_SIDE)
    sizes = zip(least, windows.shape[-3:-1], strict=True)
    missing = [max(0, side - here) for side, here in sizes]
    if not any(missing):
        return windows
    padding = (0, missing[0]), (0, missing[1]), (0, 0)
    return np.pad(windows, [(0, 0)] * (windows.ndim - 3) + [*padding], mode="edge")


def predict_logits(model, window):
    """The logits of one window `(h, w, 3)`, see `predict_windows`."""
    return predict_windows(model, window[None])[0]


def predict_windows(model, windows):
    """Computes the logits of windows of one size.

    Windows that are too small for the model are padded with the values of their edge.

    Args:
        model: See `keras_seg_runtime.segment`. If it has the method
            `predict_head_on_batch`, that is called in place of `predict_on_batch`, and
            its logits may have any resolution.
        windows: uint8 array `(B, h, w, 3)`.

    Returns:
        List of `B` `keras_seg_runtime.labels.window_logits.WindowLogits`.

    Raises:
        ValueError: If the windows are too large for the model, or its output has
            another shape or NaN.
    """
    height, width = windows.shape[1:3]
    fixed = fixed_size(model)
    if fixed and (height > fixed[0] or width > fixed[1]):
        raise ValueError(
            f"`model` takes images of {fixed[0]} x {fixed[1]} pixels. Received: "
            f"{height} x {width}. Cut the image: tile={fixed} in `segment`, "
            f"window={fixed} in a `TestProtocol`."
        )
    windows = np.ascontiguousarray(padded_window(model, windows))
    predict_head = getattr(model, "predict_head_on_batch", None)
    predict = predict_head or model.predict_on_batch
    logits = predict(windows)
    shape = np.shape(logits)
    size = shape[1:3] if predict_head and len(shape) == 4 else windows.shape[1:3]
    expected = (len(windows), *size, model.num_classes)
    if shape != expected:
        raise ValueError(
            f"`model` returned an output of shape {shape} for an image of "
            f"shape {windows.shape[1:]}, expected logits of shape {expected}. The "
            "model must return one array of logits at the size of its input."
        )
    logits = np.require(logits, "float32", "W")
    if np.isnan(np.max(logits)):
        raise ValueError(
            "`model` returned NaN logits, so no class can be chosen. Its weights are "
            "probably damaged by a diverged training: load other weights."
        )
    return [
        WindowLogits.of_window(x, *windows.shape[1:3]).part(0, height, 0, width)
        for x in logits
    ]
