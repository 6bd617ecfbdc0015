"""Which classes a bilinear enlargement must look at."""

import numpy as np

# Allows for rounding in the enlargement.
SLACK = 0.01
# Share of the probability that may be left out where probabilities are asked for.
NEGLIGIBLE = 0.001


def contenders(logits, with_probability=False):
    """The classes that can win somewhere once the logits are enlarged bilinearly.

    An enlarged pixel is a weighted mean of the four corners of a cell, so the logit
    of a class lies between its lowest and its highest corner. A class whose highest
    corner is below the lowest corner of another cannot win in that cell. A class that
    wins at no corner still can: it may be second at all of them. In most parts of a
    photo few classes remain, however many the model has.

    Args:
        logits: Array `(h, w, K)` of finite values.
        with_probability: Boolean. Also keep classes until all others together have
            at most 0.001 of the probability of the winner anywhere.

    Returns:
        Integer array of class ids, ascending, at least one.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.contenders import contenders

    logits = np.array([[[9.0, 0.0, 5.0, 1.0], [0.0, 9.0, 5.0, 1.0]]])
    print(contenders(logits))  # [0 1 2]: class 2 wins halfway
    print(contenders(logits[:, :1]))  # [0]
    ```
    """
    high = low = logits
    for axis in (0, 1):
        if logits.shape[axis] > 1:
            high = np.maximum(*_neighbours(high, axis))
            low = np.minimum(*_neighbours(low, axis))
    # (h - 1, w - 1, 1): the winner of a cell is nowhere below this.
    winner = np.max(low, axis=-1, keepdims=True)
    reach = np.max(high - winner, axis=(0, 1))  # (K,)
    keep = reach >= -SLACK
    if with_probability:
        order = np.argsort(reach)
        left_out = np.cumsum(np.exp(np.minimum(reach[order], 0.0)))
        keep[order[left_out > NEGLIGIBLE]] = True
    return np.flatnonzero(keep)


def _neighbours(x, axis):
    size = x.shape[axis]
    return x.take(range(size - 1), axis), x.take(range(1, size), axis)
