"""Colours for the classes of a data set that has none of its own."""

import functools

import cv2
import numpy as np


def default_palette(num_classes) -> np.ndarray:
    """Clearly different colours, always the same for a class.

    Each colour is the one farthest, to the eye, from all those before it, so the
    first colours stay the same whatever the number of classes.

    Args:
        num_classes: Integer, at most 2000.

    Returns:
        uint8 NumPy array `(num_classes, 3)`, RGB.

    Raises:
        ValueError: If `num_classes` is out of range.

    Example:

    ```python
    from keras_seg.data import default_palette

    print(default_palette(11).shape)  # (11, 3)
    ```
    """
    if not 1 <= num_classes <= 2000:
        raise ValueError(
            "`num_classes` must lie in 1..2000 to give every class a colour of its "
            f"own. Received: num_classes={num_classes}"
        )
    return _farthest_colours(int(num_classes)).copy()


@functools.lru_cache(maxsize=8)
def _farthest_colours(count):
    steps = np.linspace(0, 255, 20).round().astype("uint8")
    colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    colours = colours.reshape(-1, 3)  # (8000, 3)
    lab = cv2.cvtColor(colours[None].astype("float32") / 255, cv2.COLOR_RGB2Lab)[0]
    # No near black, near white or grey, which vanish over a photo; nothing glaring.
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    usable = (lab[:, 0] > 35) & (lab[:, 0] < 88) & (chroma > 30) & (chroma < 85)
    colours, lab = colours[usable], lab[usable]

    chosen = [int(np.argmin(np.abs(colours.astype(int) - (40, 120, 215)).sum(axis=1)))]
    distance = np.full(len(lab), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(lab - lab[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(distance)))
    return colours[chosen]
