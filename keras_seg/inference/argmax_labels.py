"""From logits to labels."""

import numpy as np

# How many values the probabilities of one step may have: 16 MB each.
MAX_VALUES = 4_000_000


def argmax_labels(logits, threshold=None, ignore_class=255):
    """The class with the largest logit of each pixel, or void where it is unsure.

    Args:
        logits: float32 array `(H, W, K)`.
        threshold: Optional float: pixels whose most probable class has a lower
            probability get `ignore_class`.
        ignore_class: Integer, the void label.

    Returns:
        Integer array `(H, W)`.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.argmax_labels import argmax_labels

    logits = np.array([[[0.0, 0.1], [0.0, 9.0]]], "float32")
    print(argmax_labels(logits, threshold=0.9))  # [[255 1]]
    ```
    """
    labels = np.argmax(logits, axis=-1)
    if threshold is None:
        return labels
    height, width, num_classes = logits.shape
    step = max(1, MAX_VALUES // (width * num_classes))
    for top in range(0, height, step):
        part = logits[top : top + step]
        part = part - np.max(part, axis=-1, keepdims=True)
        probability = 1.0 / np.sum(np.exp(part, out=part), axis=-1)  # (step, W)
        labels[top : top + step][probability < threshold] = ignore_class
    return labels
