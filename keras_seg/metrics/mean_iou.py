from typing import Any

import keras

from keras_seg.metrics.confusion_metric import ConfusionMetric, mean_of_present


@keras.saving.register_keras_serializable(package="keras_seg")
class MeanIoU(ConfusionMetric):
    """Mean intersection over union over a whole data set.

    Unlike `keras.metrics.MeanIoU` it accepts logits as well as class ids, ignores
    pixels that are void in the truth, cannot overflow, and reports the IoU of each
    class. Classes that occur in neither truth nor prediction are excluded from the
    mean. A prediction outside `0..K-1`, such as 255 for pixels below a threshold,
    counts as wrong.

    Args:
        num_classes: Integer. Number of classes `K`.
        ignore_class: Integer or `None`. The void label.
        name: String.
        dtype: Passed to `keras.metrics.Metric`.

    Call arguments:
        y_true: Integer tensor `(B, H, W)` or `(B, H, W, 1)`, class ids.
        y_pred: Logits or probabilities `(B, H, W, K)`, or class ids of the shape of
            `y_true`.
        sample_weight: Ignored. Pixels are counted without weights.

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

    def __init__(
        self, num_classes, ignore_class=255, name="mean_iou", dtype=None
    ) -> None:
        super().__init__(num_classes, ignore_class, name=name, dtype=dtype)

    def result(self) -> Any:
        hits, truth, predicted = self._counts()
        return mean_of_present(hits, truth + predicted - hits)
