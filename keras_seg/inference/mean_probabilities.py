"""Class probabilities, averaged over scales and the mirrored image."""

import numpy as np

from keras_seg.inference.bilinear_axis import BilinearAxis
from keras_seg.inference.shown_image import protocol_windows, shown_image
from keras_seg.inference.sliding_window import sliding_window

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
            for y, x, logits in _blocks(model, shown, protocol, *area):
                _add_probabilities(logits, target[y - top :, x - begin :])
                del logits
            continue
        columns = BilinearAxis.between(pass_width, width).part(begin, end, origin=0)
        rows = BilinearAxis.between(pass_height, height).part(top, bottom, origin=0)
        blocks = _blocks(model, shown, protocol, rows.span, columns.span)
        logits = _joined(blocks, rows.span, columns.span)
        step = max(1, MAX_STEP // (total.shape[1] * total.shape[2]))
        for start in range(0, bottom - top, step):
            part = rows.part(start, start + step, origin=rows.span.start)
            x = part.resize(logits[part.span], axis=0)  # (step, w, K)
            x = columns.resize(x, axis=1)  # (step, W, K)
            _add_probabilities(x, target[start:])
        del logits
    total /= len(passes)
    return total


def _blocks(model, shown, protocol, rows, columns):
    """The logits of the rows and columns of two slices, block by block."""
    axes = protocol_windows(model, protocol, shown.shape[:2], rows, columns)
    return sliding_window(model, shown, *axes)


def _joined(blocks, rows, columns):
    """Joins the blocks that cover the rows and columns of two slices."""
    size = rows.stop - rows.start, columns.stop - columns.start
    logits = None
    for top, left, block in blocks:
        if block.shape[:2] == size:  # one window: no copy is needed
            return block
        if logits is None:
            logits = np.empty((*size, block.shape[2]), "float32")
        y, x = top - rows.start, left - columns.start
        logits[y : y + block.shape[0], x : x + block.shape[1]] = block
        del block
    return logits


def _add_probabilities(logits, total):
    """Adds the softmax of logits, computed in place, to the top left of a total."""
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    total[: logits.shape[0], : logits.shape[1]] += logits
