"""The logits of an image, tile by tile, blended where the tiles overlap."""

import numpy as np

from keras_seg.inference.predict_patch import predict_patch
from keras_seg.inference.tiling import blend_ramp


def blended_tiles(model, image, rows, columns):
    """Yields the logits of an image in blocks that cover each pixel once.

    Only one tile and the strips that wait for a neighbour are held at a time.

    Args:
        model: See `keras_seg.inference.segment`.
        image: uint8 array `(H, W, 3)`.
        rows, columns: `keras_seg.inference.tiling.Axis`.

    Yields:
        `(top, left, logits)`, logits `(h, w, K)` in float32, writable; from left to
        right and from top to bottom.

    Raises:
        ValueError: If the model's output does not fit.

    Example:

    ```python
    import types

    import numpy as np
    from keras_seg.inference.blended_tiles import blended_tiles
    from keras_seg.inference.tiling import Axis

    model = types.SimpleNamespace(predict_on_batch=lambda images: images, num_classes=3)
    image, rows, columns = np.zeros((40, 90, 3)), Axis(40, 40, 0), Axis(90, 50, 0.125)
    for top, left, logits in blended_tiles(model, image, rows, columns):
        print(left, logits.shape)  # 0 (40, 42, 3), then 42 (40, 48, 3)
    ```
    """
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
                        (row.fade_out, image.shape[1], logits.shape[2]), "float32"
                    )
                fall = 1.0 - blend_ramp(row.fade_out)[:, None, None]
                next_strip[:, left:right] = logits[-row.fade_out :] * fall
                logits = logits[: -row.fade_out]
            yield row.start, left, logits
            del logits
        strip = next_strip


def _blended_columns(model, image, row, columns):
    """Yields `(left, logits (h, w, K))` of one row of tiles, blended sideways."""
    strip = None  # (h, overlap, K)
    for column in columns.parts:
        patch = image[
            row.tile_start : row.tile_stop, column.tile_start : column.tile_stop
        ]
        logits = None  # gives those of the tile before away
        logits = predict_patch(model, patch)
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
