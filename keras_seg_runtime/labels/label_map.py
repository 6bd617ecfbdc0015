"""The check of a label map that a caller passes."""

import numpy as np


def as_label_map(labels):
    """A label map as an array `(H, W)`.

    Raises:
        ValueError: If it is not a map of integers, or empty.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "ui" or labels.size == 0:
        raise ValueError(
            "`labels` must be an integer array of shape (height, width). Received: "
            f"shape {labels.shape}, dtype {labels.dtype}"
        )
    return labels
