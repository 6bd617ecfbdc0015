"""Labels from logits that are upsampled to the size of a larger image."""

import numpy as np

from keras_seg_runtime.labels.argmax_labels import argmax_labels, largest_probability
from keras_seg_runtime.labels.bilinear_axis import BilinearAxis
from keras_seg_runtime.labels.group_argmax import group_argmax

# Maximum number of logits that are compared in one step, so that they stay in the
# cache of a processor.
MAX_COMPARED_VALUES = 200_000
# Infinite logits, of classes that a model excludes, cannot be interpolated.
LARGEST = 1e30


def write_upsampled_labels(
    labels, logits, rows, columns, threshold=None, ignore_class=255
):
    """Writes the argmax of bilinearly upsampled logits, without upsampling them all.

    An upsampled pixel is a weighted mean of the logits at the corners of a group of
    cells. A class that is the argmax at all corners is the argmax of all pixels between
    them: most pixels of a photo lie in such groups. In the others the classes that can
    be the argmax are upsampled, see `group_argmax`. The labels are those of upsampling
    all classes: of equal classes the first wins.

    Args:
        labels: Integer array `(H, W)` to write to.
        logits: float32 array `(h, w, K)`, without NaN.
        rows, columns: `BilinearAxis` from `h` to `H` and from `w` to `W`.
        threshold: See `keras_seg_runtime.segment`. Probabilities are those of the
            upsampled logits, to within 0.001.
        ignore_class: Integer. The void label.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.bilinear_axis import BilinearAxis
    from keras_seg_runtime.labels.upsampled_argmax import write_upsampled_labels

    labels = np.empty((1, 6), "uint8")
    logits = np.array([[[1.0, 0.0], [0.0, 3.0]]], "float32")
    axes = BilinearAxis.between(1, 1), BilinearAxis.between(2, 6)
    write_upsampled_labels(labels, logits, *axes)
    print(labels)  # [[0 0 1 1 1 1]]
    ```
    """
    if not labels.size:
        return
    if len(rows.taps) == len(columns.taps) == 1:
        labels[:] = argmax_labels(logits, threshold, ignore_class)
        return
    argmax = np.argmax(logits, axis=-1)  # (h, w)
    row_cells, row_counts, row_pixels, row_weights = rows.pixel_groups()
    column_cells, column_counts, column_pixels, column_weights = columns.pixel_groups()

    def at_corners(x):
        for i in row_cells.T:
            for j in column_cells.T:
                yield x[i][:, j]  # (m, n): of each group of rows and of columns

    corners = list(at_corners(argmax))
    same = np.logical_and.reduce([corner == corners[0] for corner in corners])
    if threshold is not None:
        # In between, the class has at least the least probability at the corners: the
        # sum of exp(other - own) is convex.
        sure = largest_probability(logits) >= threshold
        same &= np.logical_and.reduce(list(at_corners(sure)))
    plain = np.repeat(corners[0].astype(labels.dtype), column_counts, axis=1)
    labels[:] = np.repeat(plain, row_counts, axis=0)

    i, j = np.nonzero(~same)
    logits = np.clip(logits, -LARGEST, LARGEST) if len(i) else logits
    logits = logits.reshape(-1, logits.shape[-1])  # (h * w, K)
    step = max(1, MAX_COMPARED_VALUES // logits.shape[1])
    for start in range(0, len(i), step):
        m, n = i[start : start + step], j[start : start + step]
        cells = row_cells[m][:, :, None] * argmax.shape[1] + column_cells[n][:, None]
        where = row_pixels[m][:, :, None], column_pixels[n][:, None]
        labels[where] = group_argmax(
            logits,
            argmax.ravel(),
            cells,
            row_weights[m],
            column_weights[n],
            threshold,
            ignore_class,
        )  # (G, R, C)


class UpsampledArgmax:
    """The argmax of bilinearly upsampled logits, block by block.

    Args:
        labels: Integer array `(H, W)` to write to.
        size: Pair `(height, width)`, the size of the downscaled image.
        threshold, ignore_class: See `write_upsampled_labels`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.upsampled_argmax import UpsampledArgmax

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
        self.void = {"threshold": threshold, "ignore_class": ignore_class}
        self._above = self._lowest = None  # (w, K): last row above and of this band
        self._beside = None  # (h, K): last column of the block to the left

    def add(self, top, left, logits):
        """Adds the next block of the downscaled image and writes its labels.

        A pixel between two blocks is written with the second. Blocks must come from
        left to right and from top to bottom, those of a band with the same height.

        Args:
            top, left: Integers. Position of the block.
            logits: float32 array `(h, w, K)`.
        """
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
        write_upsampled_labels(
            self.labels[rows.start : rows.stop, columns.start : columns.stop],
            logits,
            self.rows.part(rows.start, rows.stop, origin=max(0, top - 1)),
            self.columns.part(columns.start, columns.stop, origin=max(0, left - 1)),
            **self.void,
        )
