import keras
import numpy as np
from keras import ops

_LIMB = 2**30


class ConfusionMetric(keras.metrics.Metric):
    """Base of the metrics that are read off one matrix of truth against prediction.

    The definitions are those of the benchmarks: counts of the whole data set are added
    up first, and a class without a denominator is left out of a mean. A prediction
    outside `0..K-1`, such as the 255 of a threshold, is a miss. Counts are kept in two
    32-bit parts, as those of Keras wrap at 2^31 pixels.

    Args, call arguments: See `keras_seg.metrics.MeanIoU`.
    """

    def __init__(self, num_classes, ignore_class=255, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        # The last column counts predictions that are no class.
        shape = (num_classes, num_classes + 1)
        self.low = self.add_variable(shape, "zeros", dtype="int32", name="low")
        self.high = self.add_variable(shape, "zeros", dtype="int32", name="high")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.convert_to_tensor(y_pred)
        if len(y_true.shape) == 4 and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        if len(y_pred.shape) == len(y_true.shape) + 1:
            if y_pred.shape[-1] == self.num_classes:
                y_pred = ops.argmax(y_pred, axis=-1)
            elif y_pred.shape[-1] == 1:
                y_pred = ops.squeeze(y_pred, axis=-1)
            else:
                raise ValueError(
                    f"{type(self).__name__}(num_classes={self.num_classes}) takes "
                    f"logits with {self.num_classes} channels or class ids. Received: "
                    f"y_pred of shape {tuple(y_pred.shape)}."
                )
        truth = ops.reshape(ops.cast(y_true, "int32"), (-1,))  # (P,)
        guess = ops.reshape(ops.cast(y_pred, "int32"), (-1,))
        is_class = ops.logical_and(guess >= 0, guess < self.num_classes)
        guess = ops.where(is_class, guess, self.num_classes)
        counted = ops.logical_and(truth >= 0, truth < self.num_classes)
        if self.ignore_class is not None:
            counted = ops.logical_and(counted, truth != self.ignore_class)
        columns = self.num_classes + 1
        cells = self.num_classes * columns
        index = ops.where(counted, truth * columns + guess, cells)
        counts = ops.segment_sum(ops.ones_like(index), index, cells + 1)
        counts = ops.reshape(counts[:cells], self.low.shape)  # (K, K + 1)
        low = ops.convert_to_tensor(self.low) + ops.cast(counts, "int32")
        carry = low // _LIMB
        self.low.assign(low - carry * _LIMB)
        self.high.assign(ops.convert_to_tensor(self.high) + carry)

    def _counts(self):
        """Hits, pixels of the truth and pixels predicted, per class: float `(K,)`."""
        counts = ops.cast(self.high, "float32") * float(_LIMB)
        counts = counts + ops.cast(self.low, "float32")  # (truth, prediction)
        predicted = ops.sum(counts, axis=0)[: self.num_classes]
        return ops.diagonal(counts), ops.sum(counts, axis=1), predicted

    def confusion_matrix(self):
        """The counts as an integer NumPy array `(truth, prediction)`, `(K, K + 1)`.

        The last column counts predictions outside `0..K-1`.
        """
        high = ops.convert_to_numpy(self.high).astype("int64")
        return high * _LIMB + ops.convert_to_numpy(self.low).astype("int64")

    def class_iou(self):
        """IoU per class as a NumPy array; NaN where a class does not occur."""
        counts = self.confusion_matrix()
        hits = np.diagonal(counts)
        union = counts.sum(0)[: self.num_classes] + counts.sum(1) - hits
        return np.where(union > 0, hits / np.maximum(union, 1), np.nan)

    def class_accuracy(self):
        """Share of a class's pixels that are right; NaN where the truth has none."""
        counts = self.confusion_matrix()
        pixels = counts.sum(1)
        hits = np.diagonal(counts)
        return np.where(pixels > 0, hits / np.maximum(pixels, 1), np.nan)

    def pixel_accuracy(self):
        """Share of the valid pixels whose class is right."""
        counts = self.confusion_matrix()
        return float(np.trace(counts) / max(counts.sum(), 1))

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "ignore_class": self.ignore_class,
        }


def mean_of_present(values, weights):
    """Mean of `values / weights` over the classes whose weight is not 0."""
    present = ops.cast(weights > 0, "float32")
    shares = values / ops.maximum(weights, 1.0) * present
    return ops.sum(shares) / ops.maximum(ops.sum(present), 1.0)
