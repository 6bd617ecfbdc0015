from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seg.losses.class_ids import class_ids


@keras.saving.register_keras_serializable(package="keras_seg")
class CalibrationError(keras.metrics.Metric):
    """Expected calibration error of pixels: how far confidence is from accuracy.

    Pixels are assigned to bins of equal width by their confidence, the probability of
    the predicted class. In each bin the mean confidence is compared with the accuracy;
    the result is the mean absolute difference, weighted by the number of pixels. With a
    value of 0.02, pixels of confidence 0.8 are correct in about 78 to 82 of 100 cases.

    Reference:
        [On Calibration of Modern Neural Networks](https://arxiv.org/abs/1706.04599).

    Args:
        num_bins: Integer.
        ignore_class: Integer or `None`. The void label.
        from_logits: Boolean. `False` if predictions are probabilities.
        name: String.
        dtype: Passed to `keras.metrics.Metric`.

    Call arguments:
        y_true: Integer tensor `(B, H, W)`, class ids.
        y_pred: Logits or probabilities `(B, H, W, K)`.
        sample_weight: Ignored. Pixels are counted without weights.

    Example:

    ```python
    import numpy as np
    import keras_seg

    metric = keras_seg.metrics.CalibrationError(from_logits=False)
    metric.update_state(np.array([[[0, 1]]]), np.array([[[[0.9, 0.1], [0.7, 0.3]]]]))
    print(float(metric.result()))  # (|1 - 0.9| + |0 - 0.7|) / 2 = 0.4
    ```
    """

    def __init__(
        self,
        num_bins=15,
        ignore_class=255,
        from_logits=True,
        name="calibration_error",
        dtype=None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not isinstance(num_bins, int) or num_bins < 1:
            raise ValueError(
                "`num_bins` must be an integer of at least 1. Received: num_bins="
                f"{num_bins!r}."
            )
        self._direction = "down"
        self.num_bins = num_bins
        self.ignore_class = ignore_class
        self.from_logits = from_logits
        # For millions of pixels, sums in float32 keep about six digits.
        self.pixels, self.confidence, self.hits = (
            self.add_variable((num_bins,), "zeros", dtype="float32", name=name)
            for name in ("pixels", "confidence", "hits")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.cast(y_pred, "float32")
        y_true = class_ids(
            y_true, type(self).__name__, y_pred.shape[-1], self.ignore_class
        )
        if len(y_pred.shape) != len(y_true.shape) + 1 or y_pred.shape[-1] < 2:
            raise ValueError(
                "CalibrationError takes logits or probabilities with one channel for "
                "each class, background included. Received: y_pred of shape "
                f"{tuple(y_pred.shape)} for y_true of shape {tuple(y_true.shape)}."
            )
        truth = ops.reshape(y_true, (-1,))  # (P,)
        if self.from_logits:
            y_pred = ops.softmax(y_pred, axis=-1)
        scores = ops.reshape(y_pred, (-1, y_pred.shape[-1]))  # (P, K)
        confidence = ops.max(scores, axis=-1)
        hit = ops.cast(
            ops.cast(ops.argmax(scores, axis=-1), "int32") == truth, "float32"
        )
        place = ops.cast(confidence * self.num_bins, "int32")
        place = ops.clip(place, 0, self.num_bins - 1)
        counted = ops.logical_and(truth >= 0, truth < y_pred.shape[-1])
        if self.ignore_class is not None:
            counted = ops.logical_and(counted, truth != self.ignore_class)
        place = ops.where(counted, place, self.num_bins)
        for variable, values in (
            (self.pixels, ops.ones_like(confidence)),
            (self.confidence, confidence),
            (self.hits, hit),
        ):
            sums = ops.segment_sum(values, place, self.num_bins + 1)
            variable.assign(variable + sums[: self.num_bins])

    def result(self) -> Any:
        total = ops.maximum(ops.sum(self.pixels), 1.0)
        return ops.sum(ops.abs(self.confidence - self.hits)) / total

    def bins(self):
        """Dictionary of NumPy arrays: `pixels`, mean `confidence` and `accuracy`.

        Mean and accuracy of an empty bin are NaN.
        """
        pixels, confidence, hits = (
            ops.convert_to_numpy(x).astype("float64")
            for x in (self.pixels, self.confidence, self.hits)
        )
        some = np.where(pixels > 0, pixels, np.nan)
        return {
            "pixels": pixels,
            "confidence": confidence / some,
            "accuracy": hits / some,
        }

    def get_config(self):
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "ignore_class": self.ignore_class,
            "from_logits": self.from_logits,
        }
