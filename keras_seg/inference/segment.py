"""Segment one image of any size, in bounded memory."""

import numpy as np

from keras_seg.data.files.as_rgb import as_rgb
from keras_seg.inference.argmax_labels import argmax_labels
from keras_seg.inference.blended_tiles import blended_tiles
from keras_seg.inference.logits_enlarger import UpsampledLogits
from keras_seg.inference.resize_longest_side import resize_longest_side
from keras_seg.inference.tiling import Axis, auto_tile

# What one step may show the model: pixels, after it has enlarged them, and logits,
# which outgrow its features from about 30 classes on.
MAX_PIXELS = 2_000_000
MAX_LOGITS = 60_000_000


def segment(
    model,
    image,
    tile=None,
    overlap=0.125,
    threshold=None,
    max_pixels_at_once=None,
    long_side=None,
):
    """The class of every pixel of one image, at the image's own size.

    An image larger than `long_side` is shrunk to it for the model, and the logits are
    enlarged bilinearly to the image's own size before classes are chosen.

    What is then up to `max_pixels_at_once` pixels goes through the model whole. A
    larger image is cut into overlapping tiles of equal size. Where tiles overlap,
    their logits fade linearly into each other, so no seam shows. Only one tile and
    the strips that wait for a neighbour are held as logits, never the whole image at
    its own size. Sides below 32 pixels are extended to that for the model by
    repeating the edge.

    Args:
        model: Callable Keras model from uint8 images `(B, H, W, 3)` to logits
            `(B, H, W, K)`, with attributes `num_classes` and `ignore_class`, and
            perhaps `input_scale` and `long_side`.
        image: Path of an image file, a Pillow image, or an array: `(H, W, 3)`, grey
            `(H, W)` or `(H, W, 1)`, or RGBA `(H, W, 4)`; values are 0..255, of an
            integer or a floating point type.
        tile: Integer or `(height, width)`: the size of the tiles in pixels of the
            image as the model sees it. An image no larger than a tile is not cut.
            `None` chooses the tiles from `max_pixels_at_once`.
        overlap: Float in `[0, 0.5]`: the part of a tile shared with the next one.
        threshold: Optional float in `[0, 1]`: pixels whose most probable class has a
            lower probability get `model.ignore_class`.
        max_pixels_at_once: Integer: the most pixels the model is shown in one step
            when `tile` is `None`. Lower it when memory is short. By default 2 million,
            as counted after a model with an `input_scale` has enlarged them, and fewer
            above 30 classes: 400,000 with 150.
        long_side: Integer: the largest side, in pixels, that the model is shown. A
            model knows objects at the size they had in training; a large photo shows
            them larger. Smaller images are not enlarged. `None` takes
            `model.long_side`, if there is one; 0 keeps the image's own size.

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
    labels = segment(model, np.zeros((300, 500, 3), "uint8"), long_side=100)
    print(labels.shape)  # (300, 500)
    ```
    """
    if max_pixels_at_once is None:
        scale = getattr(model, "input_scale", 1.0)
        max_pixels_at_once = int(
            min(MAX_PIXELS / scale**2, max(1, MAX_LOGITS / model.num_classes))
        )
    if long_side is None:
        long_side = getattr(model, "long_side", None) or 0
    _check_options(overlap, threshold, max_pixels_at_once, long_side)
    _check_void(threshold, model.ignore_class)
    image = as_rgb(image)
    shown = resize_longest_side(image, long_side)
    height, width = shown.shape[:2]
    if tile is None:
        tile = auto_tile(height, width, overlap, max_pixels_at_once)
    tile_height, tile_width = _tile_size(tile)
    rows = Axis(height, tile_height, overlap)
    columns = Axis(width, tile_width, overlap)

    labels = np.empty(image.shape[:2], label_dtype(model))
    void = {"threshold": threshold, "ignore_class": model.ignore_class}
    enlarger = UpsampledLogits(labels, (height, width), **void)
    for top, left, logits in blended_tiles(model, shown, rows, columns):
        if shown is image:
            bottom, right = top + logits.shape[0], left + logits.shape[1]
            labels[top:bottom, left:right] = argmax_labels(logits, **void)
        else:
            enlarger.add(top, left, logits)
        del logits
    return labels


def label_dtype(model):
    """The narrowest type that holds all ids of a model."""
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


def _check_options(overlap, threshold, max_pixels_at_once, long_side):
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
    whole = isinstance(long_side, (int, np.integer)) and not isinstance(long_side, bool)
    if not whole or long_side < 0:
        raise ValueError(
            "`long_side` must be a positive integer, 0 for the image's own size, or "
            f"None for that of the model. Received: long_side={long_side!r}"
        )


def _check_void(threshold, ignore_class):
    if threshold is not None and ignore_class is None:
        raise ValueError(
            "`threshold` marks unsure pixels as void, and this model has no void "
            f"label. Set model.ignore_class, to 255 for example, or leave `threshold` "
            f"out. Received: threshold={threshold}"
        )
