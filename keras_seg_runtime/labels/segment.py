"""Segmentation of one image of any size, in bounded memory."""

import numpy as np

from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.labels.argmax_labels import argmax_labels
from keras_seg_runtime.labels.bilinear_axis import BilinearAxis
from keras_seg_runtime.labels.longest_side import resize_longest_side
from keras_seg_runtime.labels.predict_logits import predict_logits
from keras_seg_runtime.labels.sliding_window import sliding_window, window_blocks
from keras_seg_runtime.labels.upsampled_argmax import UpsampledArgmax
from keras_seg_runtime.labels.window_axis import WindowAxis
from keras_seg_runtime.labels.window_logits import WindowLogits
from keras_seg_runtime.labels.window_size import OVERLAP, default_window


def segment(
    model,
    image,
    tile=None,
    overlap=OVERLAP,
    threshold=None,
    max_pixels_at_once=None,
    long_side=None,
) -> np.ndarray:
    """Predicts the class of every pixel of one image, at the image's own size.

    An image larger than `long_side` is first downscaled to it, and the logits are
    upsampled bilinearly to the image's own size before the argmax.

    An image of up to `max_pixels_at_once` pixels is then processed as a whole. A larger
    one is cut into overlapping tiles of equal size. Where tiles overlap, their logits
    are blended linearly, so that no seam is visible. Only the logits of one tile, and
    of the strips that the next tiles overlap, are held in memory at a time. Sides
    shorter than 32 pixels are padded to 32 with the values of the edge.

    Args:
        model: Object with `predict_on_batch`, from uint8 images `(B, H, W, 3)` to
            logits `(B, H, W, K)`, and attributes `num_classes` and `ignore_class`;
            optionally `input_scale`, `long_side` and `input_shape`.
        image: Path of an image file, a Pillow image, or an array: `(H, W, 3)`, grey
            `(H, W)` or `(H, W, 1)`, or RGBA `(H, W, 4)`; values are 0..255, of an
            integer or a floating point type.
        tile: Integer, `(height, width)` or `None`. Size of the tiles in pixels, after
            an image is downscaled to `long_side`. An image no larger than a tile is not
            cut. `None` chooses the size from `max_pixels_at_once`.
        overlap: Float in `[0, 0.5]`. The share of a tile that overlaps the next one.
        threshold: Float in `[0, 1]` or `None`. Pixels whose most probable class has a
            lower probability get `model.ignore_class`.
        max_pixels_at_once: Integer or `None`. Maximum number of pixels that the model
            processes at once if `tile` is `None`. Reduce it if memory is insufficient.
            By default 2 million, counted after enlargement by the model's
            `input_scale`, and fewer above 30 classes: 400,000 with 150.
        long_side: Integer or `None`. Larger images are downscaled to this longest side,
            in pixels, since a model recognises objects best at the size they had in
            training. Smaller images are not enlarged. `None` uses `model.long_side`, if
            it is set; 0 keeps the image's own size.

    Returns:
        NumPy array `(H, W)`: uint8 where all ids fit, else int32.

    Raises:
        ValueError: If the image cannot be read or has an unsupported shape, type or
            range, if an option is out of range, or if the model's output has another
            shape or NaN.

    Example:

    ```python
    import types

    import numpy as np
    import keras_seg_runtime

    model = types.SimpleNamespace(
        predict_on_batch=lambda images: images, num_classes=3, ignore_class=255
    )
    image = np.zeros((300, 500, 3), "uint8")
    labels = keras_seg_runtime.segment(model, image, long_side=100)
    print(labels.shape)  # (300, 500)
    ```
    """
    if long_side is None:
        long_side = getattr(model, "long_side", None) or 0
    check_options(model, overlap, threshold, max_pixels_at_once, long_side)
    image = as_rgb(image)
    shown = resize_longest_side(image, long_side)
    height, width = shown.shape[:2]
    if tile is None:
        tile = default_window(model, height, width, overlap, max_pixels_at_once)
    tile_height, tile_width = _tile_size(tile)
    rows = WindowAxis.blended(height, tile_height, overlap)
    columns = WindowAxis.blended(width, tile_width, overlap)
    labels = empty_labels(model, *image.shape[:2])
    write_labels(model, shown, rows, columns, labels, threshold)
    return labels


def empty_labels(model, height, width):
    """Creates an array for the labels of an image, of the smallest dtype that fits."""
    ids = [model.num_classes - 1]
    if model.ignore_class is not None:
        ids.append(model.ignore_class)
    narrow = min(ids) >= 0 and max(ids) <= 255
    return np.empty((height, width), "uint8" if narrow else "int32")


def write_labels(model, shown, rows, columns, labels, threshold=None):
    """Writes the labels of an area of an image that is processed in one pass.

    Args:
        model: See `segment`.
        shown: uint8 array `(h, w, 3)`, the image at the size for the model.
        rows, columns: `WindowAxis` that define the area; the whole image if `shown` and
            `labels` differ in size.
        labels: Integer array `(H, W)` to write to.
        threshold: See `segment`.
    """
    void = {"threshold": threshold, "ignore_class": model.ignore_class}
    if is_one_window(shown, rows, columns):
        write_window_labels(predict_logits(model, shown), labels, **void)
    elif shown.shape[:2] != labels.shape:
        upsampled = UpsampledArgmax(labels, shown.shape[:2], **void)
        for top, left, logits in sliding_window(model, shown, rows, columns):
            upsampled.add(top, left, logits)
            del logits
    else:
        for top, left, block in window_blocks(model, shown, rows, columns):
            bottom, right = top + block.shape[0], left + block.shape[1]
            part = labels[top:bottom, left:right]
            if isinstance(block, WindowLogits):
                block.write_labels(part, **void)
            else:
                part[:] = argmax_labels(block, **void)
            del block


def is_one_window(shown, rows, columns):
    """Whether one window covers the whole image."""
    axes = zip(shown.shape, (rows, columns), strict=False)
    return all(
        len(axis.windows) == 1
        and (axis.windows[0].first, axis.windows[0].last) == (0, size)
        for size, axis in axes
    )


def write_window_labels(logits, labels, threshold=None, ignore_class=255):
    """Writes the labels of an image from the logits of one window.

    Args:
        logits: `WindowLogits` of the image at the size for the model.
        labels: Integer array `(H, W)` to write to, of the image's own size.
        threshold, ignore_class: See `write_upsampled_labels`.
    """
    if logits.shape[:2] != labels.shape:
        sizes = zip(logits.shape, labels.shape, strict=False)
        logits = logits.resized(*(BilinearAxis.between(*pair) for pair in sizes))
    logits.write_labels(labels, threshold=threshold, ignore_class=ignore_class)


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


def check_options(
    model, overlap=OVERLAP, threshold=None, max_pixels_at_once=None, long_side=0
):
    """Raises a `ValueError` if an option of `segment` is out of range."""
    if not 0 <= overlap <= 0.5:
        raise ValueError(
            "`overlap` is the share of a tile that overlaps the next one and must lie "
            f"in [0, 0.5]. Received: overlap={overlap}"
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(
            "`threshold` is a probability and must lie in [0, 1]. "
            f"Received: threshold={threshold}"
        )
    if max_pixels_at_once is not None and max_pixels_at_once < 1:
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
    if threshold is not None and model.ignore_class is None:
        raise ValueError(
            "`threshold` marks uncertain pixels as void, but this model has no void "
            "label. Set model.ignore_class, for example to 255, or omit `threshold`. "
            f"Received: threshold={threshold}"
        )
