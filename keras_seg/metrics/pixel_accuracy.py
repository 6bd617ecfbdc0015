import keras
from keras import ops

from keras_seg.metrics.confusion_metric import ConfusionMetric


@keras.saving.register_keras_serializable(package="keras_seg")
class PixelAccuracy(ConfusionMetric):
    """Share of the valid pixels of a whole data set whose class is right (aAcc).

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

    metric = keras_seg.metrics.PixelAccuracy(num_classes=3)
    metric.update_state(np.array([[[0, 0, 1, 255]]]), np.array([[[0, 2, 1, 2]]]))
    print(float(metric.result()))  # 0.6666667
    ```
    """

    def __init__(
        self, num_classes, ignore_class=255, name="pixel_accuracy", dtype=None
    ):
        super().__init__(num_classes, ignore_class, name=name, dtype=dtype)

    def result(self):
        hits, truth, _ = self._counts()
        return ops.sum(hits) / ops.maximum(ops.sum(truth), 1.0)
