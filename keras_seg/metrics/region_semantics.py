import keras
from keras import ops

from keras_seg.metrics.region_metric import RegionMetric


@keras.saving.register_keras_serializable(package="keras_seg")
class RegionSemantics(RegionMetric):
    """Purity of latent regions: whether each lies within one class or object.

    With class labels this is the class-level semantics of the paper, with components
    or instances the instance-level one.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338). The formula is ours: for each
        region that is the largest one at some labelled pixel, one minus the entropy of
        the labels of its pixels, divided by the logarithm of the number of labels in
        the image (1 where there is one label); the mean over these regions, then over
        images.

    Args:
        num_labels: Integer. Labels lie in `0..num_labels - 1`.
        num_regions: Integer or `None`. Only required if regions are given as ids.
        ignore_class: Integer or `None`. The void label. For the numbers of
            `keras_seg.data.connected_components` it is 0.
        name: String.
        dtype: Passed to `keras.metrics.Metric`.

    Call arguments:
        y_true: Integer tensor `(B, H, W)` or `(B, H, W, 1)`, labels.
        y_pred: Regions, as maps `(B, h, w, K)` or ids `(B, h, w)`. Each position is
            compared with the label at its centre.
        sample_weight: Ignored.

    Example:

    ```python
    import numpy as np
    import keras_seg

    metric = keras_seg.metrics.RegionSemantics(num_labels=2, num_regions=2)
    labels, regions = np.array([[[0, 0, 1, 1]]]), np.array([[[0, 0, 0, 0]]])
    metric.update_state(labels, regions)
    print(float(metric.result()))  # 0.0: half of the region is of each class
    ```
    """

    def __init__(
        self,
        num_labels,
        num_regions=None,
        ignore_class=255,
        name="region_semantics",
        dtype=None,
    ) -> None:
        super().__init__(num_labels, num_regions, ignore_class, name, dtype)

    def score(self, counts):
        size = ops.sum(counts, axis=2)  # (B, K)
        share = counts / ops.maximum(size, 1.0)[:, :, None]
        entropy = -ops.sum(share * ops.log(ops.maximum(share, 1e-9)), axis=2)
        present = ops.cast(ops.sum(counts, axis=1) > 0, "float32")  # (B, L)
        number = ops.sum(present, axis=1, keepdims=True)  # (B, 1)
        purity = 1 - entropy / ops.log(ops.maximum(number, 2.0))
        active = ops.cast(size > 0, "float32")
        return ops.sum(purity * active, axis=1) / ops.maximum(
            ops.sum(active, axis=1), 1.0
        )
