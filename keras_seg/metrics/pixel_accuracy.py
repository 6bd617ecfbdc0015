from typing import Any

import keras
from keras import ops

from keras_seg.metrics.confusion_metric import ConfusionMetric


@keras.saving.register_keras_serializable(package="keras_seg")
class PixelAccuracy(ConfusionMetric):
    """Share of the valid pixels of a data set that are classified correctly (aAcc).

    Arguments and call arguments are those of `keras_seg.metrics.MeanIoU`.

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
    ) -> None:
        super().__init__(num_classes, ignore_class, name=name, dtype=dtype)

    def result(self) -> Any:
        hits, truth, _ = self._counts()
        return ops.sum(hits) / ops.maximum(ops.sum(truth), 1.0)
