"""Labels from logits of the same size."""

import numpy as np

# Maximum number of probabilities that are computed in one step: 16 MB.
MAX_SOFTMAX_VALUES = 4_000_000


def argmax_labels(logits, threshold=None, ignore_class=255):
    """The class with the largest logit at each pixel, or void if it is uncertain.

    Args:
        logits: float32 array `(..., K)`.
        threshold: Float or `None`. Pixels whose most probable class has a lower
            probability get `ignore_class`.
        ignore_class: Integer. The void label.

    Returns:
        Integer array `(...)`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.argmax_labels import argmax_labels

    logits = np.array([[[0.0, 0.1], [0.0, 9.0]]], "float32")
    print(argmax_labels(logits, threshold=0.9))  # [[255 1]]
    ```
    """
    labels = np.argmax(logits, axis=-1)
    if threshold is not None:
        labels[largest_probability(logits) < threshold] = ignore_class
    return labels


def largest_probability(logits):
    """The probability of the most probable class of logits `(..., K)`."""
    shape, num_classes = logits.shape[:-1], logits.shape[-1]
    logits = logits.reshape(-1, num_classes)
    probability = np.empty(len(logits), "float32")
    step = max(1, MAX_SOFTMAX_VALUES // num_classes)
    for start in range(0, len(logits), step):
        part = logits[start : start + step]
        part = part - np.max(part, axis=-1, keepdims=True)
        probability[start : start + step] = 1 / np.sum(np.exp(part, out=part), axis=-1)
    return probability.reshape(shape)
