import keras
import numpy as np
from keras import ops

_LIMB = 2**30


@keras.saving.register_keras_serializable(package="keras_seg")
class MeanIoU(keras.metrics.Metric):
    """Mean intersection over union over a whole data set.

    Unlike `keras.metrics.MeanIoU` it takes logits as well as class ids, leaves void
    out of both truth and prediction by its label alone, cannot overflow (counts are
    kept in two 32-bit parts; those of Keras wrap at 2^31 pixels), and reports classes
    one by one. Classes that occur in neither truth nor prediction are left out. A
    prediction outside `0..K-1`, such as the 255 of a threshold, is a miss.

    Args:
        num_classes: Integer. Number of classes `K`.
        ignore_class: Integer, the void label, or `None`.
        name: String.
        dtype: Passed to `keras.metrics.Metric`.

    Call arguments:
        y_true: Integer tensor `(B, H, W)` or `(B, H, W, 1)`, class ids.
        y_pred: Logits or probabilities `(B, H, W, K)`, or class ids of the shape of
            `y_true`.
        sample_weight: Ignored: a count of pixels has no weights.

    Example:

    ```python
    import numpy as np
    import keras_seg

    metric = keras_seg.metrics.MeanIoU(num_classes=3)
    metric.update_state(np.array([[[0, 1, 255]]]), np.array([[[0, 1, 2]]]))
    print(float(metric.result()))  # 1.0
    print(metric.class_iou())  # [1. 1. nan]
    ```
    """

    def __init__(self, num_classes, ignore_class=255, name="mean_iou", dtype=None):
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
                    f"MeanIoU(num_classes={self.num_classes}) takes logits with "
                    f"{self.num_classes} channels or class ids. Received: y_pred of "
                    f"shape {tuple(y_pred.shape)}."
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

    def result(self):
        counts = ops.cast(self.high, "float32") * float(_LIMB)
        counts = counts + ops.cast(self.low, "float32")  # (truth, prediction)
        hits = ops.diagonal(counts)  # (K,)
        predicted = ops.sum(counts, axis=0)[: self.num_classes]
        union = predicted + ops.sum(counts, axis=1) - hits
        seen = ops.cast(union > 0, "float32")
        iou = hits / ops.maximum(union, 1.0)
        return ops.sum(iou * seen) / ops.maximum(ops.sum(seen), 1.0)

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
