"""The logits of a piece of an image."""

import numpy as np

# The stride of the coarsest level of most backbones. A side below it can shrink to
# nothing inside the model.
MIN_SIDE = 32


def fixed_size(model):
    """`(height, width)` of the only images a model takes, or `None` for any size."""
    size = tuple(getattr(model, "input_shape", (None,) * 4)[1:3])
    return None if None in size else size


def predict_patch(model, patch):
    """Logits of one patch, `(h, w, 3)` -> float32 `(h, w, K)`, writable.

    A patch that is too small for the model is extended by repeating its edge.

    Args:
        model: See `keras_seg.inference.segment`.
        patch: uint8 array `(h, w, 3)`.

    Returns:
        float32 array `(h, w, K)`.

    Raises:
        ValueError: If the patch is too large for the model, or its output does not fit.
    """
    height, width = patch.shape[:2]
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
        patch = np.pad(patch, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    logits = model.predict_on_batch(np.ascontiguousarray(patch)[None])
    expected = (1, *patch.shape[:2], model.num_classes)
    if np.shape(logits) != expected:
        raise ValueError(
            f"`model` returned an output of shape {np.shape(logits)} for an image of "
            f"shape {patch.shape}, expected logits of shape {expected}. The model "
            "must return one array of logits at the size of its input."
        )
    # What Keras returns is a copy already, and another would be as large.
    logits = np.require(logits, "float32", "W")[0, :height, :width]
    if np.isnan(np.max(logits)):
        raise ValueError(
            "`model` returned NaN logits, so no class can be chosen. Its weights are "
            "probably damaged by a diverged training: load other weights."
        )
    return logits
