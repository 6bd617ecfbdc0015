import keras
from keras import ops

from keras_seg.keras_internals.folded_norm import normalized
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    batch_norm,
    check_feature_map,
    check_positive,
)
from keras_seg.layers.valid_region import mask_padding


@keras.saving.register_keras_serializable(package="keras_seg")
class GhostUpsampling(CompositeLayer):
    """Doubles height and width with cheap features and a pixel shuffle.

    Half of the channels to be shuffled come from a 1x1 convolution, the other half
    from a depthwise convolution of these. The shuffle takes its values from channel
    `c * 4 + row * 2 + column`, the order of the published weights.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        hidden_dim: Integer. Number of output channels.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of features.
        training: Boolean, or `None`. Whether batch statistics are used.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, 2 * H, 2 * W, hidden_dim)`

    Raises:
        ValueError: If `hidden_dim` is not a positive integer or the input is not a
            feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.GhostUpsampling(hidden_dim=16)
    print(layer(np.zeros((1, 3, 4, 8), "float32")).shape)  # (1, 6, 8, 16)
    ```
    """

    def __init__(self, hidden_dim, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(hidden_dim=hidden_dim)
        self.hidden_dim = hidden_dim

    def build(self, input_shape):
        check_feature_map(self, input_shape)
        kwargs, wide = {"dtype": self.dtype_policy}, 2 * self.hidden_dim
        wide_shape = (*input_shape[:-1], wide)
        self.add_sublayer(
            keras.layers.Conv2D(wide, 1, use_bias=False, name="primary", **kwargs),
            input_shape,
        )
        self.add_sublayer(batch_norm("primary_norm", **kwargs), wide_shape)
        self.add_sublayer(
            keras.layers.DepthwiseConv2D(
                3, padding="same", use_bias=False, name="cheap", **kwargs
            ),
            wide_shape,
        )
        self.add_sublayer(batch_norm("cheap_norm", **kwargs), wide_shape)

    def call(self, inputs, training=None):
        primary = ops.relu(
            normalized(self.primary, self.primary_norm, inputs, training)
        )  # (B, H, W, 2C)
        cheap = normalized(self.cheap, self.cheap_norm, mask_padding(primary), training)
        cheap = ops.relu(cheap)
        x = ops.concatenate([primary, cheap], axis=-1)  # (B, H, W, 4C)
        shape = ops.shape(x)
        height, width, dim = shape[1], shape[2], self.hidden_dim
        x = ops.reshape(x, (-1, height, width, dim, 2, 2))  # (B, H, W, C, row, column)
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))  # (B, H, row, W, column, C)
        return ops.reshape(x, (-1, 2 * height, 2 * width, dim))  # (B, 2H, 2W, C)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (
            batch,
            None if height is None else 2 * height,
            None if width is None else 2 * width,
            self.hidden_dim,
        )

    def get_config(self):
        return {**super().get_config(), "hidden_dim": self.hidden_dim}
