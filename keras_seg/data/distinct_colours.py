"""Colours for the classes of a data set that has none of its own."""

import numpy as np


def distinct_colours(count):
    """Colours that tell classes apart, the same for the same place.

    Args:
        count: integer number of colours.

    Returns:
        A uint8 array of shape `(count, 3)`.
    """
    golden = 0.61803398875
    hue = np.arange(count) * golden % 1.0  # (K,)
    value = np.array([0.9, 0.65, 0.8])[np.arange(count) % 3]
    saturation = np.array([0.75, 0.9, 0.5])[np.arange(count) // 3 % 3]
    # The usual conversion from hue, saturation and value to RGB.
    part = (hue[:, None] * 6 + np.array([5.0, 3.0, 1.0])) % 6  # (K, 3)
    drop = np.clip(np.minimum(part, 4 - part), 0, 1)
    rgb = value[:, None] * (1 - saturation[:, None] * drop)
    return np.round(rgb * 255).astype("uint8")
