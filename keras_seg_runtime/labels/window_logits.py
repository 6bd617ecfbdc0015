"""The logits of one window at the resolution of a model's head."""

import dataclasses

import numpy as np

from keras_seg_runtime.labels.bilinear_axis import BilinearAxis
from keras_seg_runtime.labels.upsampled_argmax import write_upsampled_labels

# Maximum number of values that are upsampled in one step.
MAX_STEP = 4_000_000


@dataclasses.dataclass
class WindowLogits:
    """The logits of one window, which are upsampled only where they are needed.

    Args:
        logits: float32 array `(h, w, K)`.
        rows, columns: `BilinearAxis` from `h` and `w` to the pixels of the window.
    """

    logits: np.ndarray
    rows: BilinearAxis
    columns: BilinearAxis

    @classmethod
    def of_window(cls, logits, height, width):
        """Logits of any resolution for a window of the given size."""
        axes = (
            BilinearAxis.identity(size)
            if count == size
            else BilinearAxis.between(count, size, dtype="float32")
            for count, size in zip(logits.shape, (height, width), strict=False)
        )
        return cls(logits, *axes)

    def part(self, top, bottom, left, right):
        """A part of the window, with no more logits than it needs."""
        rows = self.rows.part(top, bottom)
        columns = self.columns.part(left, right)
        if top >= bottom or left >= right:
            return WindowLogits(self.logits[:0, :0], rows, columns)
        logits = self.logits[rows.span, columns.span]
        return WindowLogits(logits, rows.of_span(), columns.of_span())

    def resized(self, rows, columns):
        """The same logits for a window that is resized once more."""
        return WindowLogits(
            self.logits, self.rows.then(rows), self.columns.then(columns)
        )

    @property
    def shape(self):
        """Height, width and number of classes of the window."""
        return len(self.rows.first), len(self.columns.first), self.logits.shape[-1]

    def upsample(self):
        """The logits of all pixels: float32 array `(H, W, K)`, writable."""
        x = self.logits
        if len(self.rows.taps) == len(self.columns.taps) == 1 and x.shape == self.shape:
            return x
        height, width, num_classes = self.shape
        upsampled = np.empty(self.shape, "float32")
        step = max(1, MAX_STEP // max(1, width * num_classes))
        for top in range(0, height if width else 0, step):
            rows = self.rows.part(top, top + step)
            part = self.columns.resize(x[rows.span][:, self.columns.span], axis=1)
            upsampled[top : top + step] = rows.resize(part, axis=0)  # (step, W, K)
        return upsampled

    def write_labels(self, labels, **void):
        """Writes the argmax of each pixel, see `write_upsampled_labels`."""
        write_upsampled_labels(labels, self.logits, self.rows, self.columns, **void)
