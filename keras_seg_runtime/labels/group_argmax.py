"""Labels of groups of pixels that are weighted means of the same cells."""

import numpy as np

from keras_seg_runtime.labels.argmax_labels import argmax_labels
from keras_seg_runtime.labels.bilinear_axis import weighted_mean

# Maximum number of values that are upsampled in one step.
MAX_UPSAMPLED_VALUES = 1_000_000
# To upsample one class of a group takes as long as this number of its pixels more, and
# twice as long for each pixel, as to upsample one of all classes.
OVERHEAD = 128
FACTOR = 2
# Allows for rounding in the upsampling: absolute, and in proportion to the logits.
SLACK = 0.01
RELATIVE_SLACK = 1e-5
# Share of the probability that may be neglected if probabilities are requested.
NEGLIGIBLE = 0.001


def group_argmax(
    logits, argmax, cells, row_weights, column_weights, threshold, ignore_class
):
    """Labels of groups of pixels between the cells of a map of logits.

    Upsamples only the classes that can be the argmax, or all where these are many.

    Args:
        logits: float32 array `(N, K)` of finite values, of all cells.
        argmax: Integer array `(N,)`, the argmax of the logits.
        cells: Integer array `(G, T, T')`. The cells of each group.
        row_weights, column_weights: float32 arrays `(G, R, T)` and `(G, C, T')`. Their
            weights for the rows and columns of pixels.
        threshold, ignore_class: See `argmax_labels`.

    Returns:
        Integer array `(G, R, C)`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.group_argmax import group_argmax

    logits = np.array([[1.0, 0.0], [0.0, 3.0]], "float32")
    weights = np.ones((1, 1, 1)), np.array([[[0.9, 0.1], [0.5, 0.5]]])
    cells = np.array([[[0, 1]]])
    print(group_argmax(logits, np.array([0, 1]), cells, *weights, None, 255))
    # [[[0 1]]]
    ```
    """
    num_groups, num_classes = len(cells), logits.shape[1]
    pixels = row_weights.shape[1] * column_weights.shape[1]
    all_values = num_groups * num_classes * pixels
    cost = FACTOR * (pixels + OVERHEAD)  # of one class of one group
    group = None
    if cost * num_groups < all_values:
        flat = cells.reshape(num_groups, -1)
        group, classes = candidate_classes(logits, argmax, flat, threshold is not None)
    if group is None or cost * len(group) >= all_values:
        group, classes = np.arange(num_groups), None
        starts, values = group, num_classes * pixels
    else:
        starts, values = np.searchsorted(group, np.arange(num_groups)), pixels
    labels = np.empty((num_groups, row_weights.shape[1], column_weights.shape[1]), int)
    limit = max(1, MAX_UPSAMPLED_VALUES // values)
    edges = np.flatnonzero(np.diff(starts // limit, prepend=-1))
    for begin, end in zip(edges, [*edges[1:], num_groups], strict=True):
        first = starts[begin]
        part = slice(first, starts[end] if end < num_groups else None)
        g = group[part]
        k = slice(None) if classes is None else classes[part, None, None]
        x = logits[cells[g], k]  # (P, T, T') of single classes, or (P, T, T', K)
        x = _mean_over(x, column_weights[g], axis=2)
        x = _mean_over(x, row_weights[g], axis=1)  # (P, R, C) or (P, R, C, K)
        if classes is None:
            labels[begin:end] = argmax_labels(x, threshold, ignore_class)
            continue
        here = starts[begin:end] - first
        best = np.maximum.reduceat(x, here)  # (G', R, C)
        k = np.where(x == best[g - begin], k, num_classes)
        labels[begin:end] = np.minimum.reduceat(k, here)  # the first of equal classes
        if threshold is not None:
            x -= best[g - begin]
            probability = 1 / np.add.reduceat(np.exp(x, out=x), here)
            labels[begin:end][probability < threshold] = ignore_class
    return labels


def _mean_over(x, weights, axis):
    """Replaces the cells along an axis of `x` by means with weights `(P, n, T)`."""
    shape = [weights.shape[2], len(x), *[1] * (x.ndim - 1)]
    shape[axis + 1] = count = weights.shape[1]
    parts = (
        np.repeat(np.take(x, [t], axis), count, axis) for t in range(x.shape[axis])
    )
    return weighted_mean(parts, np.moveaxis(weights, 2, 0).reshape(shape))


def candidate_classes(logits, argmax, cells, with_probability=False):
    """The classes that can be the argmax somewhere between the cells of groups.

    A pixel is a weighted mean of the cells of its group. So its largest logit is not
    below that of the mean of the classes that are the argmax in one of the cells, and a
    class that is below that mean in every cell cannot be the argmax between them. A
    class that is the argmax in no cell still can be: it may be second in all of them.

    Args:
        logits: Array `(N, K)` of finite values.
        argmax: Integer array `(N,)`, the argmax of the logits.
        cells: Integer array `(G, Q)`. The cells of each group.
        with_probability: Boolean. Whether to keep further classes, so that the others
            together have at most 0.001 of the largest probability anywhere.

    Returns:
        Pair of integer arrays: groups in ascending order, each at least once, and
        candidates of them, ascending.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.group_argmax import candidate_classes

    logits = np.array([[9.0, 0.0, 5.0, 1.0], [0.0, 9.0, 5.0, 1.0]])
    groups, classes = candidate_classes(logits, np.array([0, 1]), np.array([[0, 1]]))
    print(classes)  # [0 1 2]: class 2 is largest halfway
    ```
    """
    winners = argmax[cells]  # (G, Q)
    least = np.log(NEGLIGIBLE / logits.shape[1]) if with_probability else 0.0
    keep = np.zeros((len(cells), logits.shape[1]), bool)
    for cell in cells.T:
        here = logits[cell]  # (G, K)
        level = np.mean(np.take_along_axis(here, winners, axis=1), axis=1)
        level += least - SLACK - RELATIVE_SLACK * np.abs(level)
        keep |= here >= level[:, None]
    return np.nonzero(keep)
