from typing import Any

from keras import ops


def diversity_loss(diversity_maps, num_channels) -> Any:
    """Makes channels of reconstructed features respond at different positions.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023. The formula is
        inferred from the [mutual-channel loss](https://arxiv.org/abs/2002.04264),
        whose diversity term this is.

    Args:
        diversity_maps: List of tensors `(B, H_i * W_i)`, one per pyramid level, as
            returned by `FeatureReconstruction`.
        num_channels: List of integers. Number of channels in the diverse half of each
            level.

    Returns:
        Scalar, between 0 and the number of levels.

    Example:

    ```python
    import numpy as np
    import keras_seg

    maps = [np.full((1, 12), 1 / 12, "float32")]  # all channels are uniform
    loss = keras_seg.losses.diversity_loss(maps, [8])  # 1 - 1 / 8
    ```
    """
    loss = 0.0
    for diversity_map, channels in zip(diversity_maps, num_channels, strict=True):
        spread = ops.sum(ops.cast(diversity_map, "float32"), axis=1) / channels  # (B,)
        loss = loss + 1 - ops.mean(spread)
    return loss
