"""The logits of one window of an image."""

import keras
import numpy as np

from keras_seg.keras_internals.inference_function import run_inference

# The stride of the coarsest level of most backbones. A shorter side can become 0 inside
# the model.
MIN_SIDE = 32


def fixed_size(model):
    """The input size `(height, width)` of a model if it is fixed, else `None`."""
    size = tuple(getattr(model, "input_shape", (None,) * 4)[1:3])
    return None if None in size else size


def predict_logits(model, window):
    """Computes the logits of one window.

    A window that is too small for the model is padded with the values of its edge.

    Args:
        model: See `keras_seg.inference.segment`.
        window: uint8 array `(h, w, 3)`.

    Returns:
        float32 array `(h, w, K)`, writable.

    Raises:
        ValueError: If the window is too large for the model, or its output has another
            shape or NaN.
    """
    height, width = window.shape[:2]
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
        window = np.pad(window, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    images = np.ascontiguousarray(window)[None]
    if isinstance(model, keras.Model):
        logits = run_inference(model, images)
    else:
        logits = model.predict_on_batch(images)
    expected = (1, *window.shape[:2], model.num_classes)
    if np.shape(logits) != expected:
        raise ValueError(
            f"`model` returned an output of shape {np.shape(logits)} for an image of "
            f"shape {window.shape}, expected logits of shape {expected}. The model "
            "must return one array of logits at the size of its input."
        )
    logits = np.require(logits, "float32", "W")[0, :height, :width]
    if np.isnan(np.max(logits)):
        raise ValueError(
            "`model` returned NaN logits, so no class can be chosen. Its weights are "
            "probably damaged by a diverged training: load other weights."
        )
    return logits
