"""Labels of a large image from the logits of a shrunk one."""

import math

import numpy as np

from keras_seg.inference.bilinear_taps import BilinearTaps
from keras_seg.inference.candidate_classes import candidate_classes

# One step enlarges a square of at most this side, with at most this many values.
MAX_SIDE = 256
MAX_VALUES = 8_000_000
# Infinite logits, of classes that a model excludes, could not be interpolated.
LARGEST = 1e30


class UpsampledLogits:
    """Enlarges logits bilinearly and writes the winning classes, block by block.

    The logits of the large image never exist as a whole: each step enlarges those of
    a small square, and only of the classes that can win in it.

    Args:
        labels: Integer array `(H, W)` to write to.
        size: `(height, width)` of the shrunk image.
        threshold: See `keras_seg.inference.segment`. Probabilities are those of the
            enlarged logits, to within 0.001.
        ignore_class: Integer, the void label.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.logits_enlarger import UpsampledLogits

    labels = np.empty((1, 6), "uint8")
    enlarger = UpsampledLogits(labels, (1, 2))
    enlarger.add(0, 0, np.array([[[1.0, 0.0], [0.0, 3.0]]], "float32"))
    print(labels)  # [[0 0 1 1 1 1]]
    ```
    """

    def __init__(self, labels, size, threshold=None, ignore_class=255):
        self.labels = labels
        self.size = size
        self.rows = BilinearTaps.of_axis(size[0], labels.shape[0])
        self.columns = BilinearTaps.of_axis(size[1], labels.shape[1])
        self.threshold = threshold
        self.ignore_class = ignore_class
        self._above = self._lowest = None  # (w, K): last row above and of this band
        self._beside = None  # (h, K): last column of the block to the left

    def add(self, top, left, logits):
        """Takes the next block of the shrunk image and fills in the pixels it settles.

        A pixel between two blocks waits for the second. Blocks come from left to
        right and from top to bottom, those of a band with the same height.

        Args:
            top, left: Integers, where the block lies.
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
        side = math.isqrt(MAX_VALUES // num_classes)
        side = max(1, min(side, MAX_SIDE))
        for y in range(rows.start, rows.stop, side):
            below = min(y + side, rows.stop)
            row_taps = self.rows.part(y, below, origin=max(0, top - 1))
            for x in range(columns.start, columns.stop, side):
                beyond = min(x + side, columns.stop)
                column_taps = self.columns.part(x, beyond, origin=max(0, left - 1))
                self.labels[y:below, x:beyond] = self._decide(
                    logits, row_taps, column_taps
                )

    def _decide(self, logits, rows, columns):
        """Labels of one square, or one number if they are all the same."""
        logits = logits[rows.span, columns.span]
        classes = candidate_classes(logits, with_probability=self.threshold is not None)
        if len(classes) == 1:
            return classes[0]
        planes = np.ascontiguousarray(np.moveaxis(logits, -1, 0)[classes])  # (K, h, w)
        planes = columns.enlarge(planes, axis=2)  # (K, h, W)
        planes = rows.enlarge(planes, axis=1)  # (K, H, W)
        best = planes.max(axis=0)
        labels = np.full(best.shape, classes[-1])
        # The last to write is the first of equals, as with argmax.
        for class_id, plane in zip(classes[-2::-1], planes[-2::-1], strict=True):
            np.copyto(labels, class_id, where=plane == best)
        if self.threshold is not None:
            planes -= best
            probability = 1.0 / np.sum(np.exp(planes, out=planes), axis=0)
            labels[probability < self.threshold] = self.ignore_class
        return labels
