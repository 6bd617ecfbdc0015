from typing import Any

from keras import ops


def token_diversity_loss(tokens) -> Any:
    """Makes the tokens of regions different: the squared cosines between them.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338) mentions a cosine term on
        tokens. The formula is ours: the squared cosine, averaged over all pairs of
        different tokens of an image. It applies to the tokens before the encoder.

    Args:
        tokens: Tensor `(B, K, D)`, with at least two tokens.

    Returns:
        Scalar between 0 and 1.

    Example:

    ```python
    import numpy as np
    import keras_seg

    tokens = np.array([[[1.0, 0.0], [0.0, 2.0]]])
    print(float(keras_seg.losses.token_diversity_loss(tokens)))  # 0.0
    ```
    """
    tokens = ops.cast(tokens, "float32")
    length = ops.sqrt(ops.sum(ops.square(tokens), axis=-1, keepdims=True) + 1e-12)
    unit = tokens / length
    cosine = ops.einsum("bid,bjd->bij", unit, unit)  # (B, K, K)
    count = tokens.shape[1]
    others = 1 - ops.eye(count, dtype="float32")
    mean = ops.sum(ops.square(cosine) * others, axis=(1, 2)) / (count * (count - 1))
    return ops.mean(mean)
