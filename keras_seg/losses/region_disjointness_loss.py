import math

from keras import ops


def region_disjointness_loss(regions):
    """Asks every position to belong to one region: the entropy of its shares.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338) says that regions should be
        disjoint. The formula is ours: the mean over positions of the entropy of `P`,
        divided by `log K`.

    Args:
        regions: Tensor `(B, H, W, K)`, adds up to 1 over `K`, at least 2.

    Returns:
        Scalar: 0 where regions are disjoint, 1 where all are the same.

    Example:

    ```python
    import numpy as np
    import keras_seg

    regions = np.full((1, 2, 3, 4), 0.25, "float32")
    print(float(keras_seg.losses.region_disjointness_loss(regions)))  # 1.0
    ```
    """
    regions = ops.cast(regions, "float32")
    entropy = -ops.sum(regions * ops.log(ops.maximum(regions, 1e-9)), axis=-1)
    return ops.mean(entropy) / math.log(regions.shape[-1])
