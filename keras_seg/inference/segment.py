"""Segment one image of any size, in bounded memory."""

import numpy as np

from keras_seg.inference.as_rgb import as_rgb
from keras_seg.inference.tiling import Axis, auto_tile, blend_ramp

# The stride of the coarsest level of most backbones. A side below it can shrink to
# nothing inside the model.
MIN_SIDE = 32
MAX_PIXELS = 2_000_000


def segment(
    model, image, tile=None, overlap=0.125, threshold=None, max_pixels_at_once=None
):
    """The class of every pixel of one image, at the image's own size.

    An image of up to `max_pixels_at_once` pixels goes through the model whole. A
    larger one is cut into overlapping tiles of equal size. Where tiles overlap,
    their logits fade linearly into each other, so no seam shows. Only one tile and
    the strips that wait for a neighbour are held as logits, never the whole image.
    Sides below 32 pixels are extended to that for the model by repeating the edge.

    Args:
        model: Callable Keras model from uint8 images `(B, H, W, 3)` to logits
            `(B, H, W, K)`, with attributes `num_classes` and `ignore_class`, and
            perhaps `input_scale`.
        image: Path of an image file, a Pillow image, or an array: `(H, W, 3)`, grey
            `(H, W)` or `(H, W, 1)`, or RGBA `(H, W, 4)`; values are 0..255, of an
            integer or a floating point type.
        tile: Integer or `(height, width)`: the size of the tiles in pixels. An image
            no larger than a tile is not cut. `None` chooses the tiles from
            `max_pixels_at_once`.
        overlap: Float in `[0, 0.5]`: the part of a tile shared with the next one.
        threshold: Optional float in `[0, 1]`: pixels whose most probable class has a
            lower probability get `model.ignore_class`.
        max_pixels_at_once: Integer: the most pixels the model is shown in one step
            when `tile` is `None`. Lower it when memory is short. By default 2 million,
            as counted after a model with an `input_scale` has enlarged them.

    Returns:
        NumPy array `(H, W)`: uint8 where all ids fit, else int32.

    Raises:
        ValueError: If the image cannot be read or has an unfit shape, type or range,
            if an option is out of range, or if the model's output does not fit.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.inference import segment

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    model.num_classes, model.ignore_class = 4, 255
    labels = segment(model, np.zeros((30, 50, 3), "uint8"))
    print(labels.shape)  # (30, 50)
    ```
    """
    if max_pixels_at_once is None:
        scale = getattr(model, "input_scale", 1.0)
        max_pixels_at_once = int(MAX_PIXELS / scale**2)
    _check_options(overlap, threshold, max_pixels_at_once)
    image = as_rgb(image)
    height, width = image.shape[:2]
    if tile is None:
        tile = auto_tile(height, width, overlap, max_pixels_at_once)
    tile_height, tile_width = _tile_size(tile)
    rows = Axis(height, tile_height, overlap)
    columns = Axis(width, tile_width, overlap)

    labels = np.empty((height, width), _label_dtype(model))
    strip = None  # (overlap, W, K): weighted logits that wait for the tiles below
    for row in rows.parts:
        next_strip = None
        for left, logits in _blended_columns(model, image, row, columns):
            right = left + logits.shape[1]
            if row.fade_in:
                logits[: row.fade_in] *= blend_ramp(row.fade_in)[:, None, None]
                logits[: row.fade_in] += strip[:, left:right]
            if row.fade_out:
                if next_strip is None:
                    next_strip = np.empty(
                        (row.fade_out, width, logits.shape[2]), "float32"
                    )
                fall = 1.0 - blend_ramp(row.fade_out)[:, None, None]
                next_strip[:, left:right] = logits[-row.fade_out :] * fall
                logits = logits[: -row.fade_out]
            bottom = row.start + logits.shape[0]
            labels[row.start : bottom, left:right] = _decide(logits, threshold, model)
        strip = next_strip
    return labels


def _blended_columns(model, image, row, columns):
    """Yields `(left, logits (h, w, K))` of one row of tiles, blended sideways."""
    strip = None  # (h, overlap, K)
    for column in columns.parts:
        patch = image[
            row.tile_start : row.tile_stop, column.tile_start : column.tile_stop
        ]
        logits = _predict(model, patch)
        logits = logits[
            row.start - row.tile_start : row.stop - row.tile_start,
            column.start - column.tile_start : column.stop - column.tile_start,
        ]
        if column.fade_in:
            logits[:, : column.fade_in] *= blend_ramp(column.fade_in)[:, None]
            logits[:, : column.fade_in] += strip
        if column.fade_out:
            fall = 1.0 - blend_ramp(column.fade_out)[:, None]
            strip = logits[:, -column.fade_out :] * fall
            logits = logits[:, : -column.fade_out]
        yield column.start, logits


def _predict(model, patch):
    """Logits of one patch, `(h, w, 3)` -> float32 `(h, w, K)`, writable."""
    height, width = patch.shape[:2]
    missing = max(0, MIN_SIDE - height), max(0, MIN_SIDE - width)
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
    logits = np.array(logits[0, :height, :width], "float32")
    if np.isnan(logits).any():
        raise ValueError(
            "`model` returned NaN logits, so no class can be chosen. Its weights are "
            "probably damaged by a diverged training: load other weights."
        )
    return logits


def _decide(logits, threshold, model):
    """Logits `(h, w, K)` -> labels `(h, w)`."""
    labels = np.argmax(logits, axis=-1)
    if threshold is not None:
        best = np.max(logits, axis=-1, keepdims=True)
        probability = 1.0 / np.sum(np.exp(logits - best), axis=-1)
        labels[probability < threshold] = model.ignore_class
    return labels


def _label_dtype(model):
    ids = [model.num_classes - 1]
    if model.ignore_class is not None:
        ids.append(model.ignore_class)
    return "uint8" if min(ids) >= 0 and max(ids) <= 255 else "int32"


def _tile_size(tile):
    size = tile if isinstance(tile, (tuple, list)) else (tile, tile)
    if len(size) != 2 or not all(
        isinstance(side, (int, np.integer)) and side >= 1 for side in size
    ):
        raise ValueError(
            "`tile` must be a positive integer or a pair (height, width) of them. "
            f"Received: tile={tile!r}"
        )
    return size


def _check_options(overlap, threshold, max_pixels_at_once):
    if not 0 <= overlap <= 0.5:
        raise ValueError(
            "`overlap` is the part of a tile shared with the next one and must lie in "
            f"[0, 0.5]. Received: overlap={overlap}"
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(
            "`threshold` is a probability and must lie in [0, 1]. "
            f"Received: threshold={threshold}"
        )
    if max_pixels_at_once < 1:
        raise ValueError(
            "`max_pixels_at_once` must be a positive integer. "
            f"Received: max_pixels_at_once={max_pixels_at_once}"
        )
