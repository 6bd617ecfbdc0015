"""The logits of an image, window by window, averaged where windows overlap."""

import dataclasses

import numpy as np

from keras_seg.inference.predict_patch import predict_patch


@dataclasses.dataclass(frozen=True)
class Window:
    """One window along one axis, in pixels, and what of it is of use.

    The model sees `[start, stop)`. `[first, last)` of that lies in the area asked for,
    and up to `settled` no later window has a say.
    """

    start: int
    stop: int
    first: int
    settled: int
    last: int


def window_starts(size, window, stride):
    """Where the windows along one axis begin; the last is shifted back to the end."""
    last = max(size - window, 0)
    return [*range(0, last, stride), last]


class WindowAxis:
    """The windows over one axis that see `[begin, end)`.

    Args:
        size: Integer: length of the image along this axis.
        window: Integer: length of a window.
        stride: Integer, at most `window`.
        begin, end: Integers: the area asked for, by default all.
    """

    def __init__(self, size, window, stride, begin=0, end=None):
        end = size if end is None else end
        starts = window_starts(size, window, stride)
        self.begin, self.end = begin, end
        self.windows = []
        counts = np.zeros(size, "float32")
        for start, following in zip(starts, [*starts[1:], size], strict=True):
            stop = min(start + window, size)
            counts[start:stop] += 1
            if start < end and stop > begin:
                first = max(start, begin)
                settled = max(first, min(following, end))
                last = min(stop, end)
                self.windows.append(Window(start, stop, first, settled, last))
        self.counts = counts  # how many windows see each pixel


def averaged_windows(model, image, rows, columns):
    """Yields the logits of an area of an image in blocks that cover it once.

    A block is given away as soon as no further window sees it: what waits is one
    window and the strip that the windows below overlap. A block is part of all logits
    of its window: who is done with one does well to `del` it before the next.

    Args:
        model: See `keras_seg.inference.segment`.
        image: uint8 array `(H, W, 3)`.
        rows, columns: `WindowAxis`.

    Yields:
        `(top, left, logits)`, logits `(h, w, K)` in float32, writable; from left to
        right and from top to bottom. The blocks of a band have the same height.

    Example:

    ```python
    import types

    import numpy as np
    from keras_seg.inference.averaged_windows import WindowAxis, averaged_windows

    model = types.SimpleNamespace(predict_on_batch=lambda images: images, num_classes=3)
    rows, columns = WindowAxis(40, 40, 40), WindowAxis(90, window=50, stride=30)
    image = np.zeros((40, 90, 3))
    for top, left, logits in averaged_windows(model, image, rows, columns):
        print(left, logits.shape)  # 0 (40, 30, 3), 30 (40, 10, 3), 40 (40, 50, 3)
    ```
    """
    below = None  # (overlap, W, K): sums that wait for the windows below
    for row in rows.windows:
        next_below = beside = None  # beside (h, overlap, K)
        for column in columns.windows:
            patch = image[row.start : row.stop, column.start : column.stop]
            logits = None  # gives those of the window before away
            logits = predict_patch(model, patch)
            logits = logits[
                row.first - row.start : row.last - row.start,
                column.first - column.start : column.last - column.start,
            ]
            if beside is not None:
                logits[:, : beside.shape[1]] += beside
            beside = logits[:, column.settled - column.first :].copy()
            logits = logits[:, : column.settled - column.first]
            if not logits.shape[1]:
                continue
            across = slice(column.first - columns.begin, column.settled - columns.begin)
            if below is not None:
                logits[: len(below)] += below[:, across]
            if next_below is None:
                width = columns.end - columns.begin
                next_below = np.empty(
                    (row.last - row.settled, width, logits.shape[2]), "float32"
                )
            next_below[:, across] = logits[row.settled - row.first :]
            logits = logits[: row.settled - row.first]
            if len(logits):
                logits /= rows.counts[row.first : row.settled, None, None]
                logits /= columns.counts[column.first : column.settled, None]
                yield row.first, column.first, logits
        below = next_below
