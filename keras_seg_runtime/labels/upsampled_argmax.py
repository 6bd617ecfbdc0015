"""Labels from logits, at their own size or upsampled to that of a larger image."""

import numpy as np

from keras_seg_runtime.labels.bilinear_axis import BilinearAxis, weighted_mean

# Maximum number of logits that are compared in one step, so that they stay in the
# cache of a processor, and maximum number of values that are upsampled in one step.
MAX_COMPARED_VALUES = 200_000
MAX_UPSAMPLED_VALUES = 1_000_000
# Maximum number of probabilities that are computed in one step: 16 MB.
MAX_SOFTMAX_VALUES = 4_000_000
# Infinite logits, of classes that a model excludes, cannot be interpolated.
LARGEST = 1e30
# Allows for rounding in the upsampling: absolute, and in proportion to the logits.
SLACK = 0.01
RELATIVE_SLACK = 1e-5
# Share of the probability that may be neglected if probabilities are requested.
NEGLIGIBLE = 0.001


def argmax_labels(logits, threshold=None, ignore_class=255):
    """The class with the largest logit at each pixel, or void if it is uncertain.

    Args:
        logits: float32 array `(H, W, K)`.
        threshold: Float or `None`. Pixels whose most probable class has a lower
            probability get `ignore_class`.
        ignore_class: Integer. The void label.

    Returns:
        Integer array `(H, W)`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.upsampled_argmax import argmax_labels

    logits = np.array([[[0.0, 0.1], [0.0, 9.0]]], "float32")
    print(argmax_labels(logits, threshold=0.9))  # [[255 1]]
    ```
    """
    labels = np.argmax(logits, axis=-1)
    if threshold is not None:
        labels[largest_probability(logits) < threshold] = ignore_class
    return labels


def largest_probability(logits):
    """The probability of the most probable class at each pixel, `(H, W)`."""
    height, width, num_classes = logits.shape
    probability = np.empty((height, width), "float32")
    step = max(1, MAX_SOFTMAX_VALUES // (width * num_classes))
    for top in range(0, height, step):
        part = logits[top : top + step]
        part = part - np.max(part, axis=-1, keepdims=True)
        probability[top : top + step] = 1 / np.sum(np.exp(part, out=part), axis=-1)
    return probability


def write_upsampled_labels(
    labels, logits, rows, columns, threshold=None, ignore_class=255
):
    """Writes the argmax of bilinearly upsampled logits, without upsampling them all.

    An upsampled pixel is a weighted mean of the logits at the corners of a group of
    cells. A class that is the argmax at all corners is the argmax of all pixels between
    them: most pixels of a photo lie in such groups. In the others only the classes that
    can be the argmax are upsampled, see `candidate_classes`. The labels are those of
    upsampling all classes: of equal classes the first wins.

    Args:
        labels: Integer array `(H, W)` to write to.
        logits: float32 array `(h, w, K)`, without NaN.
        rows, columns: `BilinearAxis` from `h` to `H` and from `w` to `W`.
        threshold: See `keras_seg_runtime.segment`. Probabilities are those of the
            upsampled logits, to within 0.001.
        ignore_class: Integer. The void label.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.bilinear_axis import BilinearAxis
    from keras_seg_runtime.labels.upsampled_argmax import write_upsampled_labels

    labels = np.empty((1, 6), "uint8")
    logits = np.array([[[1.0, 0.0], [0.0, 3.0]]], "float32")
    axes = BilinearAxis.between(1, 1), BilinearAxis.between(2, 6)
    write_upsampled_labels(labels, logits, *axes)
    print(labels)  # [[0 0 1 1 1 1]]
    ```
    """
    if not labels.size:
        return
    if len(rows.taps) == len(columns.taps) == 1:
        labels[:] = argmax_labels(logits, threshold, ignore_class)
        return
    argmax = np.argmax(logits, axis=-1)  # (h, w)
    row_cells, row_counts, row_pixels, row_weights = rows.pixel_groups()
    column_cells, column_counts, column_pixels, column_weights = columns.pixel_groups()

    def at_corners(x):
        for i in row_cells.T:
            for j in column_cells.T:
                yield x[i][:, j]  # (m, n): of each group of rows and of columns

    corners = list(at_corners(argmax))
    same = np.logical_and.reduce([corner == corners[0] for corner in corners])
    if threshold is not None:
        # In between, the class has at least the least probability at the corners: the
        # sum of exp(other - own) is convex.
        sure = largest_probability(logits) >= threshold
        same &= np.logical_and.reduce(list(at_corners(sure)))
    plain = np.repeat(corners[0].astype(labels.dtype), column_counts, axis=1)
    labels[:] = np.repeat(plain, row_counts, axis=0)

    i, j = np.nonzero(~same)
    logits = np.clip(logits, -LARGEST, LARGEST) if len(i) else logits
    logits = logits.reshape(-1, logits.shape[-1])  # (h * w, K)
    step = max(1, MAX_COMPARED_VALUES // logits.shape[1])
    for start in range(0, len(i), step):
        m, n = i[start : start + step], j[start : start + step]
        cells = row_cells[m][:, :, None] * argmax.shape[1] + column_cells[n][:, None]
        where = row_pixels[m][:, :, None], column_pixels[n][:, None]
        weights = row_weights[m], column_weights[n]
        chosen = _upsampled_argmax(
            logits, argmax.ravel(), cells, *weights, threshold, ignore_class
        )
        labels[where] = chosen  # (G, R, C)


def _upsampled_argmax(
    logits, argmax, cells, row_weights, column_weights, threshold, ignore_class
):
    """Labels of groups of pixels.

    Args:
        logits: `(N, K)`, of all cells.
        argmax: `(N,)`.
        cells: `(G, T, T')`, the corners of each group.
        row_weights, column_weights: `(G, R, T)` and `(G, C, T')`.
    """
    flat = cells.reshape(len(cells), -1)
    group, classes = candidate_classes(logits, argmax, flat, threshold is not None)
    starts = np.searchsorted(group, np.arange(len(cells)))
    size = row_weights.shape[1], column_weights.shape[1]
    labels = np.empty((len(cells), *size), "int64")
    # In steps of whole groups.
    limit = max(1, MAX_UPSAMPLED_VALUES // (size[0] * size[1]))
    edges = np.flatnonzero(np.diff(starts // limit, prepend=-1))
    for begin, end in zip(edges, [*edges[1:], len(cells)], strict=True):
        first = starts[begin]
        pairs = slice(first, starts[end] if end < len(cells) else None)
        g, k, here = group[pairs], classes[pairs], starts[begin:end] - first
        x = logits[cells[g], k[:, None, None]]  # (P, T, T')
        x = _mean_over(x, column_weights[g], axis=2)  # (P, T, C)
        x = _mean_over(x, row_weights[g], axis=1)  # (P, R, C)
        best = np.maximum.reduceat(x, here)  # (G', R, C)
        wins = x == best[g - begin]
        k = np.where(wins, k[:, None, None], logits.shape[1])
        chosen = np.minimum.reduceat(k, here)
        if threshold is not None:
            x -= best[g - begin]
            probability = 1 / np.add.reduceat(np.exp(x, out=x), here)
            chosen[probability < threshold] = ignore_class
        labels[begin:end] = chosen
    return labels


def _mean_over(x, weights, axis):
    """Replaces the corners along an axis of `(P, T, T')` by means, `(P, n, T)`."""
    count = weights.shape[1]  # weights: (P, n, T)
    parts = (
        np.repeat(np.take(x, [t], axis), count, axis) for t in range(x.shape[axis])
    )
    weights = np.expand_dims(np.moveaxis(weights, 2, 0), 4 - axis)
    return weighted_mean(parts, weights)


def candidate_classes(logits, argmax, cells, with_probability=False):
    """The classes that can be the argmax between the corners of groups of cells.

    A pixel is a weighted mean of the corners of its group. So its largest logit is not
    below the weighted mean of the mean of the classes that are the argmax at the
    corners, and a class that is below that mean at every corner cannot be the argmax
    between them. A class that is the argmax at no corner still can be: it may be second
    at all of them.

    Args:
        logits: Array `(N, K)` of finite values.
        argmax: Integer array `(N,)`, the argmax of the logits.
        cells: Integer array `(G, Q)`. The corners of each group.
        with_probability: Boolean. Whether to keep further classes, so that the others
            together have at most 0.001 of the largest probability anywhere.

    Returns:
        Pair of integer arrays: groups in ascending order, each at least once, and
        candidates of them, ascending.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.upsampled_argmax import candidate_classes

    logits = np.array([[9.0, 0.0, 5.0, 1.0], [0.0, 9.0, 5.0, 1.0]])
    groups, classes = candidate_classes(logits, np.array([0, 1]), np.array([[0, 1]]))
    print(classes)  # [0 1 2]: class 2 is largest halfway
    ```
    """
    winners = argmax[cells]  # (G, Q)
    least = np.log(NEGLIGIBLE / logits.shape[1]) if with_probability else 0.0
    keep = np.zeros((len(cells), logits.shape[1]), bool)
    for corner in cells.T:
        here = logits[corner]  # (G, K)
        level = np.mean(np.take_along_axis(here, winners, axis=1), axis=1)
        level += least - SLACK - RELATIVE_SLACK * np.abs(level)
        keep |= here >= level[:, None]
    return np.nonzero(keep)


class UpsampledArgmax:
    """The argmax of bilinearly upsampled logits, block by block.

    Args:
        labels: Integer array `(H, W)` to write to.
        size: Pair `(height, width)`, the size of the downscaled image.
        threshold, ignore_class: See `write_upsampled_labels`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.upsampled_argmax import UpsampledArgmax

    labels = np.empty((1, 6), "uint8")
    upsampled = UpsampledArgmax(labels, (1, 2))
    upsampled.add(0, 0, np.array([[[1.0, 0.0], [0.0, 3.0]]], "float32"))
    print(labels)  # [[0 0 1 1 1 1]]
    ```
    """

    def __init__(self, labels, size, threshold=None, ignore_class=255):
        self.labels = labels
        self.size = size
        self.rows = BilinearAxis.between(size[0], labels.shape[0])
        self.columns = BilinearAxis.between(size[1], labels.shape[1])
        self.void = {"threshold": threshold, "ignore_class": ignore_class}
        self._above = self._lowest = None  # (w, K): last row above and of this band
        self._beside = None  # (h, K): last column of the block to the left

    def add(self, top, left, logits):
        """Adds the next block of the downscaled image and writes its labels.

        A pixel between two blocks is written with the second. Blocks must come from
        left to right and from top to bottom, those of a band with the same height.

        Args:
            top, left: Integers. Position of the block.
            logits: float32 array `(h, w, K)`.
        """
        height, width, num_classes = logits.shape
        bottom, right = top + height, left + width
        if left == 0:
            self._above = self._lowest
            self._lowest = np.empty((self.size[1], num_classes), "float32")
        self._lowest[left:right] = logits[-1]
        beside, self._beside = self._beside, logits[:, -1].copy()
        if left:
            logits = np.concatenate([beside[:, None], logits], axis=1)
        if top:
            start = max(0, left - 1)
            logits = np.concatenate([self._above[None, start:right], logits], axis=0)
        rows = self.rows.reaching(top, bottom)
        columns = self.columns.reaching(left, right)
        write_upsampled_labels(
            self.labels[rows.start : rows.stop, columns.start : columns.stop],
            logits,
            self.rows.part(rows.start, rows.stop, origin=max(0, top - 1)),
            self.columns.part(columns.start, columns.stop, origin=max(0, left - 1)),
            **self.void,
        )
