import keras
import numpy as np
from keras import ops

from keras_seg.losses.class_ids import class_ids

_LIMB = 2**30


class ConfusionMetric(keras.metrics.Metric):
    """Base class of the metrics that are computed from a confusion matrix.

    The definitions are those of the benchmarks: counts are summed over the whole data
    set first, and a class whose denominator is 0 is excluded from a mean. A prediction
    outside `0..K-1`, such as 255 for pixels below a threshold, counts as wrong, and so
    does NaN. Counts are kept in two 32-bit parts, since one would overflow at 2^31
    pixels.

    Args, call arguments: See `keras_seg.metrics.MeanIoU`.
    """

    def __init__(self, num_classes, ignore_class=255, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        check_num_classes(num_classes)
        self._direction = "up"
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        # The last column counts predictions that are not a class id.
        shape = (num_classes, num_classes + 1)
        self.low = self.add_variable(shape, "zeros", dtype="int32", name="low")
        self.high = self.add_variable(shape, "zeros", dtype="int32", name="high")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = class_ids(
            y_true, type(self).__name__, self.num_classes, self.ignore_class
        )
        y_pred = self._predicted_ids(y_true, ops.convert_to_tensor(y_pred))
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

    def _predicted_ids(self, y_true, y_pred):
        name, classes = type(self).__name__, self.num_classes
        rank, channels = len(y_true.shape), y_pred.shape[-1]
        if len(y_pred.shape) == rank + 1 and channels == classes:
            self._check_sizes(y_true.shape, y_pred.shape[:-1])
            guess = ops.argmax(y_pred, axis=-1)
            # `argmax` of NaN is some class, 0 as a rule.
            return ops.where(ops.isnan(ops.sum(y_pred, axis=-1)), classes, guess)
        if len(y_pred.shape) == rank + 1 and channels == 1:
            y_pred = ops.squeeze(y_pred, axis=-1)
        if len(y_pred.shape) != rank:
            raise ValueError(
                f"{name}(num_classes={classes}) takes logits with {classes} channels "
                f"or class ids. Received: y_pred of shape {tuple(y_pred.shape)} for "
                f"y_true of shape {tuple(y_true.shape)}."
            )
        self._check_sizes(y_true.shape, y_pred.shape)
        if "float" in keras.backend.standardize_dtype(y_pred.dtype):
            raise ValueError(
                f"{name} takes predictions without a channel for each class as class "
                f"ids, which are integers. Received: y_pred of dtype {y_pred.dtype} "
                f"and shape {tuple(y_pred.shape)}. For a map of probabilities of class "
                "1 use y_pred > 0.5; for ids ops.cast(y_pred, 'int32')."
            )
        return y_pred

    def _check_sizes(self, truth, prediction):
        pairs = zip(truth, prediction, strict=True)
        if any(None not in pair and len(set(pair)) > 1 for pair in pairs):
            raise ValueError(
                f"{type(self).__name__} takes labels and predictions of one size. "
                f"Received: y_true of {tuple(truth)} and y_pred of "
                f"{tuple(prediction)}. Resize logits with "
                "keras_seg.layers.ResizeToMatch, or class ids without interpolation."
            )

    def _counts(self):
        """True positives, pixels of the truth and predicted pixels: float `(K,)`."""
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
        """Accuracy per class as a NumPy array; NaN where the truth lacks a class."""
        counts = self.confusion_matrix()
        pixels = counts.sum(1)
        hits = np.diagonal(counts)
        return np.where(pixels > 0, hits / np.maximum(pixels, 1), np.nan)

    def pixel_accuracy(self):
        """Share of the valid pixels that are classified correctly."""
        counts = self.confusion_matrix()
        return float(np.trace(counts) / max(counts.sum(), 1))

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "ignore_class": self.ignore_class,
        }


def check_num_classes(num_classes, name="num_classes"):
    """Raises `ValueError` unless `num_classes` is an integer of at least 2."""
    if isinstance(num_classes, bool) or not isinstance(num_classes, (int, np.integer)):
        raise ValueError(
            f"`{name}` must be an integer. Received: {name}={num_classes!r}."
        )
    if num_classes < 2:
        raise ValueError(
            f"`{name}` must be at least 2, as the background counts as a class. "
            f"Received: {name}={num_classes}. For one kind of object use "
            f"{name}=2, with the ids 0 (background) and 1."
        )


def mean_of_present(values, weights):
    """Mean of `values / weights` over the classes whose weight is not 0."""
    present = ops.cast(weights > 0, "float32")
    shares = values / ops.maximum(weights, 1.0) * present
    return ops.sum(shares) / ops.maximum(ops.sum(present), 1.0)
