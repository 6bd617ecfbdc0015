import keras
from keras import ops

from keras_seg.metrics.region_metric import RegionMetric


@keras.saving.register_keras_serializable(package="keras_seg")
class RegionDiversity(RegionMetric):
    """Share of the classes or objects of an image that have a latent region.

    With class labels this is the class-level diversity of the paper, with components
    or instances the instance-level one.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338). The formula is ours: the
        number of different labels that are the most frequent one in some region,
        divided by the number of labels in the image; the mean over images.

    Args:
        num_labels, num_regions, ignore_class, name, dtype: See `RegionSemantics`.

    Call arguments:
        y_true, y_pred, sample_weight: See `RegionSemantics`.

    Example:

    ```python
    import numpy as np
    import keras_seg

    metric = keras_seg.metrics.RegionDiversity(num_labels=2, num_regions=2)
    labels, regions = np.array([[[0, 0, 0, 1]]]), np.array([[[0, 0, 1, 1]]])
    metric.update_state(labels, np.zeros_like(regions))
    print(float(metric.result()))  # 0.5: one region for two classes
    ```
    """

    def __init__(
        self,
        num_labels,
        num_regions=None,
        ignore_class=255,
        name="region_diversity",
        dtype=None,
    ) -> None:
        super().__init__(num_labels, num_regions, ignore_class, name, dtype)

    def score(self, counts):
        size = ops.sum(counts, axis=2, keepdims=True)  # (B, K, 1)
        dominant = ops.one_hot(ops.argmax(counts, axis=2), self.num_labels)
        dominant = ops.where(size > 0, ops.cast(dominant, "float32"), 0.0)
        found = ops.sum(ops.max(dominant, axis=1), axis=1)  # (B,)
        present = ops.cast(ops.sum(counts, axis=1) > 0, "float32")  # (B, L)
        return found / ops.maximum(ops.sum(present, axis=1), 1.0)
