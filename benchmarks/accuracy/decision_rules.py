"""Labels of the highest expected IoU or Dice, from the probabilities of an image.

The argmax gives the most correct pixels, not the highest IoU. RankSEG decides for the
labels of the highest expected IoU or Dice (Dai and Li, JMLR 24, 2023), and RankSEG-RMA
replaces the expectation of a ratio by the ratio of the expectations (Wang and Dai,
arXiv 2510.15362). This is a solution of our own for that approximation, by an ascent in
many pixels at once. For a class with the probabilities `p` and the labelled pixels `S`,

    IoU(S) = sum of p over S / (size of S + sum of p over the rest),
    Dice(S) = 2 x sum of p over S / (size of S + sum of all p).

The ascent gives each pixel to the class whose mean rises most by it, to first order.
"""

import numpy as np

METRICS = ("iou", "dice")
# A class takes part in an image if one of its pixels is at least so probable.
LEAST = 0.5
STEPS = 20


def expected(probabilities, labels, metric="iou"):
    """The approximate expected IoU or Dice of each class.

    Args:
        probabilities: Array `(P, K)`.
        labels: Integer array `(P,)`.
        metric: `"iou"` or `"dice"`.

    Returns:
        Pair of float64 arrays `(K,)`: the values, and their denominators.
    """
    classes = probabilities.shape[1]
    own = np.take_along_axis(probabilities, labels[:, None], 1)[:, 0]
    hits = np.bincount(labels, own.astype("float64"), classes)
    size = np.bincount(labels, minlength=classes).astype("float64")
    mass = probabilities.sum(axis=0, dtype="float64")
    if metric == "dice":
        below = size + mass
        return 2 * hits / np.maximum(below, 1e-9), below
    below = size + mass - hits
    return hits / np.maximum(below, 1e-9), below


def scores_of(probabilities, value, below, metric="iou"):
    """What each class gains by each pixel, to first order: array `(P, K)`."""
    below = np.maximum(below, 1e-9)
    slope = (1 + value) / below if metric == "iou" else 2 / below
    return probabilities * slope.astype("float32") - (value / below).astype("float32")


def best_labels(probabilities, metric="iou", least=LEAST):
    """Labels of one image that maximise the mean expected IoU or Dice of its classes.

    Args:
        probabilities: float32 array `(H, W, K)`.
        metric: `"iou"` or `"dice"`.
        least: Float. Classes take part if one pixel has at least this probability.

    Returns:
        Integer array `(H, W)`.

    Raises:
        ValueError: If the metric is unknown.
    """
    if metric not in METRICS:
        raise ValueError(f"`metric` must be one of {METRICS}. Received: {metric!r}.")
    height, width, classes = probabilities.shape
    flat = probabilities.reshape(-1, classes)
    ids = np.flatnonzero(flat.max(axis=0) >= least)
    if len(ids) < 2:
        return flat.argmax(axis=1).reshape(height, width)
    flat = np.ascontiguousarray(flat[:, ids])
    labels = _ascend(flat, flat.argmax(axis=1), metric)
    return ids[labels].reshape(height, width)


def _ascend(flat, labels, metric):
    """Changes labels as long as the mean of the expected values rises."""
    highest = expected(flat, labels, metric)[0].mean()
    for _ in range(STEPS):
        scores = scores_of(flat, *expected(flat, labels, metric), metric)
        new = scores.argmax(axis=1)
        changed = np.flatnonzero(new != labels)
        if not len(changed):
            break
        gains = scores[changed, new[changed]] - scores[changed, labels[changed]]
        changed = changed[np.argsort(-gains, kind="stable")]
        # To first order all of them are gains; where it is none, only the largest.
        while len(changed):
            tried = labels.copy()
            tried[changed] = new[changed]
            value = expected(flat, tried, metric)[0].mean()
            if value > highest + 1e-6:
                break
            changed = changed[: len(changed) // 2]
        else:
            break
        labels, highest = tried, value
    return labels


def data_set_constants(images, classes, steps=STEPS):
    """The expected IoU of each class over a data set, and its denominator.

    The IoU of benchmarks is one ratio of sums over all images, not a mean of ratios of
    images. For many images its best labels are those of a fixed rule, the same for all
    images: `scores_of` with these constants.

    Args:
        images: List of float arrays `(P, K)`, probabilities of pixels.
        classes: Integer `K`.
        steps: Integer, the steps of the ascent.

    Returns:
        Pair of float64 arrays `(K,)` for `scores_of`, the denominators per pixel.
    """
    flat = np.concatenate(images).astype("float32")
    labels = flat.argmax(axis=1)
    for _ in range(steps):
        value, below = expected(flat, labels)
        labels = scores_of(flat, value, below).argmax(axis=1)
    value, below = expected(flat, labels)
    # A class that no pixel has would get all pixels.
    below = np.where(flat.sum(axis=0) < 1e-4 * len(flat), np.inf, below)
    return value, below / len(flat)
