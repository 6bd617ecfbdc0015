import math
from typing import Any

from keras import ops


def region_disjointness_loss(regions) -> Any:
    """Makes regions disjoint: the entropy over the regions at each position.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338) states that regions should be
        disjoint. The formula is ours: the entropy over the `K` regions, divided by
        `log K`, averaged over all positions.

    Args:
        regions: Tensor `(B, H, W, K)` that sums to 1 over the `K` regions, at least 2.

    Returns:
        Scalar: 0 if the regions are disjoint, 1 if they are all the same.

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
