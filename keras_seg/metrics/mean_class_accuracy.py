from typing import Any

import keras

from keras_seg.metrics.confusion_metric import ConfusionMetric, mean_of_present


@keras.saving.register_keras_serializable(package="keras_seg")
class MeanClassAccuracy(ConfusionMetric):
    """Mean over the classes of the accuracy within each class (mAcc).

    Classes that do not occur in the truth are excluded.

    Arguments and call arguments are those of `keras_seg.metrics.MeanIoU`.

    Example:

    ```python
    import numpy as np
    import keras_seg

    metric = keras_seg.metrics.MeanClassAccuracy(num_classes=3)
    metric.update_state(np.array([[[0, 0, 1, 255]]]), np.array([[[0, 2, 1, 2]]]))
    print(float(metric.result()))  # 0.75
    print(metric.class_accuracy())  # [0.5 1. nan]
    ```
    """

    def __init__(
        self, num_classes, ignore_class=255, name="mean_class_accuracy", dtype=None
    ) -> None:
        super().__init__(num_classes, ignore_class, name=name, dtype=dtype)

    def result(self) -> Any:
        hits, truth, _ = self._counts()
        return mean_of_present(hits, truth)
