"""Labels from logits, at their own size or upsampled to that of a larger image."""

import math

import numpy as np

from keras_seg.inference.bilinear_axis import BilinearAxis

# One step upsamples a square of at most this side, with at most this many values.
MAX_SIDE = 256
MAX_UPSAMPLED_VALUES = 8_000_000
# Maximum number of probabilities that are computed in one step: 16 MB.
MAX_SOFTMAX_VALUES = 4_000_000
# Infinite logits, of classes that a model excludes, cannot be interpolated.
LARGEST = 1e30
# Allows for rounding in the upsampling.
SLACK = 0.01
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
    from keras_seg.inference.upsampled_argmax import argmax_labels

    logits = np.array([[[0.0, 0.1], [0.0, 9.0]]], "float32")
    print(argmax_labels(logits, threshold=0.9))  # [[255 1]]
    ```
    """
    labels = np.argmax(logits, axis=-1)
    if threshold is None:
        return labels
    height, width, num_classes = logits.shape
    step = max(1, MAX_SOFTMAX_VALUES // (width * num_classes))
    for top in range(0, height, step):
        part = logits[top : top + step]
        part = part - np.max(part, axis=-1, keepdims=True)
        probability = 1.0 / np.sum(np.exp(part, out=part), axis=-1)  # (step, W)
        labels[top : top + step][probability < threshold] = ignore_class
    return labels


class UpsampledArgmax:
    """The argmax of bilinearly upsampled logits, block by block.

    The logits of the large image are never held as a whole: each step upsamples those
    of a small square, and only of the classes that can be the argmax in it.

    Args:
        labels: Integer array `(H, W)` to write to.
        size: Pair `(height, width)`, the size of the downscaled image.
        threshold: See `keras_seg.inference.segment`. Probabilities are those of the
            upsampled logits, to within 0.001.
        ignore_class: Integer. The void label.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.upsampled_argmax import UpsampledArgmax

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
        self.threshold = threshold
        self.ignore_class = ignore_class
        self._above = self._lowest = None  # (w, K): last row above and of this band
        self._beside = None  # (h, K): last column of the block to the left

    def add(self, top, left, logits):
        """Adds the next block of the downscaled image and writes its labels.

        A pixel between two blocks is written with the second. Blocks must come from
        left to right and from top to bottom, those of a band with the same height.

        Args:
            top, left: Integers. Position of the block.
            logits: float32 array `(h, w, K)`, changed in place.
        """
        np.clip(logits, -LARGEST, LARGEST, out=logits)
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
        side = math.isqrt(MAX_UPSAMPLED_VALUES // num_classes)
        side = max(1, min(side, MAX_SIDE))
        for y in range(rows.start, rows.stop, side):
            below = min(y + side, rows.stop)
            row_taps = self.rows.part(y, below, origin=max(0, top - 1))
            for x in range(columns.start, columns.stop, side):
                beyond = min(x + side, columns.stop)
                column_taps = self.columns.part(x, beyond, origin=max(0, left - 1))
                self.labels[y:below, x:beyond] = self._argmax(
                    logits, row_taps, column_taps
                )

    def _argmax(self, logits, rows, columns):
        """Labels of one square, or one id if all are the same."""
        logits = logits[rows.span, columns.span]
        classes = candidate_classes(logits, with_probability=self.threshold is not None)
        if len(classes) == 1:
            return classes[0]
        planes = np.ascontiguousarray(np.moveaxis(logits, -1, 0)[classes])  # (K, h, w)
        planes = columns.resize(planes, axis=2)  # (K, h, W)
        planes = rows.resize(planes, axis=1)  # (K, H, W)
        best = planes.max(axis=0)
        labels = np.full(best.shape, classes[-1])
        # The first of equal classes is written last, as with argmax.
        for class_id, plane in zip(classes[-2::-1], planes[-2::-1], strict=True):
            np.copyto(labels, class_id, where=plane == best)
        if self.threshold is not None:
            planes -= best
            probability = 1.0 / np.sum(np.exp(planes, out=planes), axis=0)
            labels[probability < self.threshold] = self.ignore_class
        return labels


def candidate_classes(logits, with_probability=False):
    """The classes that can be the argmax anywhere after bilinear upsampling.

    An upsampled pixel is a weighted mean of the four corners of a cell. So the largest
    logit in a cell is nowhere below the mean of the (up to four) classes that are the
    argmax at its corners, upsampled in the same way, and a class that is below that
    mean at every corner cannot be the argmax between them. A class that is the argmax
    at no corner still can be: it may be second at all of them. In most parts of a photo
    few classes remain.

    Args:
        logits: Array `(h, w, K)` of finite values.
        with_probability: Boolean. Whether to keep further classes until all others
            together have at most 0.001 of the largest probability anywhere.

    Returns:
        Integer array of class ids, ascending, at least one.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.upsampled_argmax import candidate_classes

    logits = np.array([[[9.0, 0.0, 5.0, 1.0], [0.0, 9.0, 5.0, 1.0]]])
    print(candidate_classes(logits))  # [0 1 2]: class 2 is largest halfway
    print(candidate_classes(logits[:, :1]))  # [0]
    ```
    """
    height, width, num_classes = logits.shape
    corners = [(rows, columns) for rows in _ends(height) for columns in _ends(width)]
    argmax = np.argmax(logits, axis=-1)[..., None]  # (h, w, 1)
    reach = np.full(num_classes, -np.inf)
    for corner in corners:
        here = logits[corner]  # (h - 1, w - 1, K): this corner of every cell
        level = np.mean(
            [np.take_along_axis(here, argmax[other], -1) for other in corners], axis=0
        )
        reach = np.maximum(reach, np.max(here - level, axis=(0, 1)))
    keep = reach >= -SLACK
    if with_probability:
        order = np.argsort(reach)
        left_out = np.cumsum(np.exp(np.minimum(reach[order], 0.0)))
        keep[order[left_out > NEGLIGIBLE]] = True
    return np.flatnonzero(keep)


def _ends(size):
    """Slices of the first and of the last corner of the cells along an axis."""
    return [slice(0, size - 1), slice(1, size)] if size > 1 else [slice(0, 1)]
