"""Class probabilities, averaged over scales and the mirrored image."""

import numpy as np

from keras_seg.inference.shown_image import protocol_windows, shown_image
from keras_seg_runtime.labels.bilinear_axis import BilinearAxis
from keras_seg_runtime.labels.predict_logits import predict_logits
from keras_seg_runtime.labels.sliding_window import sliding_window, window_blocks
from keras_seg_runtime.labels.window_logits import WindowLogits

# Maximum number of values that are resized in one step.
MAX_STEP = 8_000_000


def mean_probabilities(model, image, protocol, area=None):
    """Computes class probabilities of an area, averaged over scales and flip.

    Args:
        model, image, protocol: See `segment_by_protocol`; the image is a uint8 array.
        area: `(top, bottom, left, right)`, by default the whole image. The
            probabilities of the whole area are held in memory.

    Returns:
        float32 array `(h, w, K)`.
    """
    height, width = image.shape[:2]
    top, bottom, left, right = area or (0, height, 0, width)
    total = np.zeros((bottom - top, right - left, model.num_classes), "float32")
    passes = protocol.passes(height, width)
    for pass_height, pass_width, mirrored in passes:
        shown = shown_image(image, protocol, pass_height, pass_width, mirrored)
        begin, end = (width - right, width - left) if mirrored else (left, right)
        target = total[:, ::-1] if mirrored else total
        if shown.shape == image.shape:  # block by block, nothing to resize
            area = slice(top, bottom), slice(begin, end)
            axes = protocol_windows(model, protocol, shown.shape[:2], *area)
            for y, x, block in window_blocks(model, shown, *axes):
                _add_block(block, target[y - top :, x - begin :])
                del block
            continue
        columns = BilinearAxis.between(pass_width, width).part(begin, end)
        rows = BilinearAxis.between(pass_height, height).part(top, bottom)
        axes = protocol_windows(
            model, protocol, shown.shape[:2], rows.span, columns.span
        )
        _add_block(_resized(model, shown, axes, rows, columns), target)
    total /= len(passes)
    return total


def _resized(model, shown, windows, rows, columns):
    """The logits of an area, resized, as `WindowLogits`.

    Args:
        model, shown: See `sliding_window`.
        windows: Pair of `WindowAxis`, those of the area.
        rows, columns: `BilinearAxis` from the pixels of `shown` to the area.
    """
    if all(len(axis.windows) == 1 for axis in windows):
        (row,), (column,) = (axis.windows for axis in windows)
        window = shown[row.start : row.stop, column.start : column.stop]
        return predict_logits(model, window).resized(
            rows.part(None, None, origin=row.start),
            columns.part(None, None, origin=column.start),
        )
    blocks = sliding_window(model, shown, *windows)
    logits = _joined(blocks, rows.span, columns.span)
    return WindowLogits(logits, rows.of_span(), columns.of_span())


def _joined(blocks, rows, columns):
    """Joins the blocks that cover the rows and columns of two slices."""
    size = rows.stop - rows.start, columns.stop - columns.start
    logits = None
    for top, left, block in blocks:
        if logits is None:
            logits = np.empty((*size, block.shape[2]), "float32")
        y, x = top - rows.start, left - columns.start
        logits[y : y + block.shape[0], x : x + block.shape[1]] = block
        del block
    return logits


def _add_block(block, total):
    """Adds probabilities to the top left of a total, in steps of some rows.

    Args:
        block: Logits `(h, w, K)`, changed in place, or `WindowLogits`.
        total: float32 array `(H, W, K)`.
    """
    height, width, num_classes = block.shape
    step = max(1, MAX_STEP // (width * num_classes))
    for start in range(0, height, step):
        if isinstance(block, WindowLogits):
            stop = min(start + step, height)
            logits = block.part(start, stop, 0, width).upsample()
        else:
            logits = block[start : start + step]
        logits -= logits.max(axis=-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=-1, keepdims=True)
        total[start : start + len(logits), :width] += logits
