"""Which classes a bilinear enlargement must look at."""

import numpy as np

# Allows for rounding in the enlargement.
SLACK = 0.01
# Share of the probability that may be left out where probabilities are asked for.
NEGLIGIBLE = 0.001


def candidate_classes(logits, with_probability=False):
    """The classes that can win somewhere once the logits are enlarged bilinearly.

    An enlarged pixel is a weighted mean of the four corners of a cell. So the largest
    logit in a cell is nowhere below the mean of the (up to four) classes that win at
    its corners, enlarged in the same way, and a class that is below that mean at every
    corner cannot win between them. One that wins at no corner still can: it may be
    second at all of them. In most parts of a photo few classes remain, however many
    the model has.

    Args:
        logits: Array `(h, w, K)` of finite values.
        with_probability: Boolean. Also keep classes until all others together have
            at most 0.001 of the probability of the winner anywhere.

    Returns:
        Integer array of class ids, ascending, at least one.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.candidate_classes import candidate_classes

    logits = np.array([[[9.0, 0.0, 5.0, 1.0], [0.0, 9.0, 5.0, 1.0]]])
    print(candidate_classes(logits))  # [0 1 2]: class 2 wins halfway
    print(candidate_classes(logits[:, :1]))  # [0]
    ```
    """
    height, width, num_classes = logits.shape
    corners = [(rows, columns) for rows in _ends(height) for columns in _ends(width)]
    winner = np.argmax(logits, axis=-1)[..., None]  # (h, w, 1)
    reach = np.full(num_classes, -np.inf)
    for corner in corners:
        here = logits[corner]  # (h - 1, w - 1, K): this corner of every cell
        level = np.mean(
            [np.take_along_axis(here, winner[other], -1) for other in corners], axis=0
        )
        reach = np.maximum(reach, np.max(here - level, axis=(0, 1)))
    keep = reach >= -SLACK
    if with_probability:
        order = np.argsort(reach)
        left_out = np.cumsum(np.exp(np.minimum(reach[order], 0.0)))
        keep[order[left_out > NEGLIGIBLE]] = True
    return np.flatnonzero(keep)


def _ends(size):
    """Where the cells along an axis begin and where they end."""
    return [slice(0, size - 1), slice(1, size)] if size > 1 else [slice(0, 1)]
