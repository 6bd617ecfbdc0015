"""The logits of an image, window by window, in bounded memory."""

import numpy as np

from keras_seg_runtime.labels.predict_logits import predict_logits


def sliding_window(model, image, rows, columns):
    """Yields the logits of an area of an image in blocks that cover it once.

    Where windows overlap, the sum of their weighted logits is taken. A block is
    yielded as soon as no further window contributes to it: only one window, and the
    strips that the next windows overlap, are held at a time. A block can be a view of
    the logits of its window: `del` it before the next.

    Args:
        model: See `keras_seg_runtime.segment`.
        image: uint8 array `(H, W, 3)`.
        rows, columns: `keras_seg_runtime.labels.window_axis.WindowAxis`.

    Yields:
        `(top, left, logits)`, logits `(h, w, K)` in float32, writable; from left to
        right and from top to bottom. The blocks of a band have the same height.

    Raises:
        ValueError: If the model's output has another shape or NaN.

    Example:

    ```python
    import types

    import numpy as np
    from keras_seg_runtime.labels.sliding_window import sliding_window
    from keras_seg_runtime.labels.window_axis import WindowAxis

    model = types.SimpleNamespace(predict_on_batch=lambda images: images, num_classes=3)
    rows = WindowAxis.averaged(40, window=40, stride=40)
    columns = WindowAxis.averaged(90, window=50, stride=30)
    image = np.zeros((40, 90, 3))
    for top, left, logits in sliding_window(model, image, rows, columns):
        print(left, logits.shape)  # 0 (40, 30, 3), 30 (40, 10, 3), 40 (40, 50, 3)
    ```
    """
    return _blocks(model, image, rows, columns, split=False)


def window_blocks(model, image, rows, columns):
    """Yields the same logits, upsampled only where windows overlap.

    Args:
        model, image, rows, columns: See `sliding_window`.

    Yields:
        `(top, left, block)`: logits `(h, w, K)` where windows overlap, elsewhere a
        `keras_seg_runtime.labels.window_logits.WindowLogits`.
    """
    return _blocks(model, image, rows, columns, split=True)


def _blocks(model, image, rows, columns, split):
    below = None  # (overlap, W, K): partial sums for the windows below
    for row in rows.windows:
        next_below = beside = None  # beside (h, overlap, K)
        top, settled, bottom = row.first, row.settled, row.last
        for column in columns.windows:
            left, right = column.first, column.settled
            area = None  # frees the logits of the last window
            area = _WindowSum(model, image, row, column)
            across = beside.shape[1] if beside is not None else 0
            if across:
                area.add(top, left, beside)
            beside = area.sum(top, bottom, right, column.last).copy()
            if left == right:
                continue
            if below is not None:
                area.add(top, columns.begin, below)
            if bottom > settled:
                if next_below is None:
                    width = columns.end - columns.begin
                    shape = bottom - settled, width, beside.shape[2]
                    next_below = np.empty(shape, "float32")
                part = slice(left - columns.begin, right - columns.begin)
                next_below[:, part] = area.sum(settled, bottom, left, right)
            y, x = settled, right  # no other window contributes beyond
            if split:
                y = min(top + (0 if below is None else len(below)), settled)
                x = min(left + across, right)
            for edges in ((top, y, left, right), (y, settled, left, x)):
                if edges[0] < edges[1] and edges[2] < edges[3]:
                    yield edges[0], edges[2], area.sum(*edges)
            if y < settled and x < right:
                yield y, x, area.part(y, settled, x, right)
        below = next_below


class _WindowSum:
    """The weighted logits of one window, and the sums of earlier windows.

    Positions are those in the image.
    """

    def __init__(self, model, image, row, column):
        window = image[row.start : row.stop, column.start : column.stop]
        self.logits = predict_logits(model, window)
        self.row, self.column = row, column
        self.earlier = []

    def add(self, top, left, logits):
        self.earlier.append((top, left, logits))

    def part(self, top, bottom, left, right):
        """The logits of a part of the window, as `WindowLogits`."""
        y, x = self.row.start, self.column.start
        return self.logits.part(top - y, bottom - y, left - x, right - x)

    def sum(self, top, bottom, left, right):
        """The sum in a part of the window: float32 array `(h, w, K)`."""
        total = self.part(top, bottom, left, right).upsample()
        y, x = self.row.first, self.column.first
        if self.row.weight is not None:
            total *= self.row.weight[top - y : bottom - y, None, None]
        if self.column.weight is not None:
            total *= self.column.weight[left - x : right - x, None]
        for y, x, logits in self.earlier:
            end_y, end_x = y + logits.shape[0], x + logits.shape[1]
            here = max(top, y), min(bottom, end_y), max(left, x), min(right, end_x)
            if here[0] < here[1] and here[2] < here[3]:
                inner = _slices(here, top, left)
                total[inner] += logits[_slices(here, y, x)]
        return total


def _slices(edges, top, left):
    return slice(edges[0] - top, edges[1] - top), slice(
        edges[2] - left, edges[3] - left
    )
