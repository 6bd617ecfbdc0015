"""The logits of windows of images."""

import keras
import numpy as np

from keras_seg.inference.window_logits import WindowLogits
from keras_seg.keras_internals.inference_function import run_inference

# The stride of the coarsest level of most backbones. A shorter side can become 0 inside
# the model.
MIN_SIDE = 32


def fixed_size(model):
    """The input size `(height, width)` of a model if it is fixed, else `None`."""
    size = tuple(getattr(model, "input_shape", (None,) * 4)[1:3])
    return None if None in size else size


def predict_logits(model, window):
    """The logits of one window `(h, w, 3)`, see `predict_windows`."""
    return predict_windows(model, window[None])[0]


def predict_windows(model, windows):
    """Computes the logits of windows of one size.

    Windows that are too small for the model are padded with the values of their edge.

    Args:
        model: See `keras_seg.inference.segment`. If it has the attribute
            `head_logits`, as the models of this package do, the logits are those of
            the model's head, and not yet upsampled to the size of the windows.
        windows: uint8 array `(B, h, w, 3)`.

    Returns:
        List of `B` `keras_seg.inference.window_logits.WindowLogits`.

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
    least = fixed or (MIN_SIDE, MIN_SIDE)
    missing = max(0, least[0] - height), max(0, least[1] - width)
    if any(missing):
        padding = (0, 0), (0, missing[0]), (0, missing[1]), (0, 0)
        windows = np.pad(windows, padding, mode="edge")
    windows = np.ascontiguousarray(windows)
    head = getattr(model, "head_logits", None)
    if head is not None:
        logits = run_inference(head, windows)
    elif isinstance(model, keras.Model):
        logits = run_inference(model, windows)
    else:
        logits = model.predict_on_batch(windows)
    shape = np.shape(logits)
    size = windows.shape[1:3] if head is None or len(shape) != 4 else shape[1:3]
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
