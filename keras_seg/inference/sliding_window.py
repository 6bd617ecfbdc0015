"""The logits of an image, window by window, in bounded memory."""

import numpy as np

from keras_seg.inference.predict_logits import predict_logits


def sliding_window(model, image, rows, columns):
    """Yields the logits of an area of an image in blocks that cover it once.

    Where windows overlap, the sum of their weighted logits is taken. A block is
    yielded as soon as no further window contributes to it: only one window, and the
    strips that the next windows overlap, are held at a time. A block is a view of the
    logits of its window: `del` it before the next.

    Args:
        model: See `keras_seg.inference.segment`.
        image: uint8 array `(H, W, 3)`.
        rows, columns: `keras_seg.inference.window_axis.WindowAxis`.

    Yields:
        `(top, left, logits)`, logits `(h, w, K)` in float32, writable; from left to
        right and from top to bottom. The blocks of a band have the same height.

    Raises:
        ValueError: If the model's output has another shape or NaN.

    Example:

    ```python
    import types

    import numpy as np
    from keras_seg.inference.sliding_window import sliding_window
    from keras_seg.inference.window_axis import WindowAxis

    model = types.SimpleNamespace(predict_on_batch=lambda images: images, num_classes=3)
    rows = WindowAxis.averaged(40, window=40, stride=40)
    columns = WindowAxis.averaged(90, window=50, stride=30)
    image = np.zeros((40, 90, 3))
    for top, left, logits in sliding_window(model, image, rows, columns):
        print(left, logits.shape)  # 0 (40, 30, 3), 30 (40, 10, 3), 40 (40, 50, 3)
    ```
    """
    below = None  # (overlap, W, K): partial sums for the windows below
    for row in rows.windows:
        next_below = beside = None  # beside (h, overlap, K)
        for column in columns.windows:
            logits = None  # frees those of the last window
            logits = _weighted_logits(model, image, row, column)
            if beside is not None:
                logits[:, : beside.shape[1]] += beside
            beside = logits[:, column.settled - column.first :].copy()
            logits = logits[:, : column.settled - column.first]
            if not logits.shape[1]:
                continue
            across = slice(column.first - columns.begin, column.settled - columns.begin)
            if below is not None:
                logits[: len(below)] += below[:, across]
            if row.last > row.settled:
                if next_below is None:
                    width = columns.end - columns.begin
                    next_below = np.empty(
                        (row.last - row.settled, width, logits.shape[2]), "float32"
                    )
                next_below[:, across] = logits[row.settled - row.first :]
            logits = logits[: row.settled - row.first]
            if len(logits):
                yield row.first, column.first, logits
        below = next_below


def _weighted_logits(model, image, row, column):
    """The logits of one window that are used, times its weights."""
    window = image[row.start : row.stop, column.start : column.stop]
    logits = predict_logits(model, window)
    logits = logits[
        row.first - row.start : row.last - row.start,
        column.first - column.start : column.last - column.start,
    ]
    if row.weight is not None:
        logits *= row.weight[:, None, None]
    if column.weight is not None:
        logits *= column.weight[:, None]
    return logits
