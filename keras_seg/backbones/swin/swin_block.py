import keras

from keras_seg.backbones.swin.window_attention import WindowAttention
from keras_seg.keras_internals.rematerialization import rematerialized
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    check_feature_map,
    layer_norm,
)


@keras.saving.register_keras_serializable(package="keras_seg")
class SwinBlock(CompositeLayer):
    """Attention in windows, then an MLP, both with a residual connection.

    Reference:
        [Swin Transformer](https://arxiv.org/abs/2103.14030).

    Args:
        num_heads: Integer. See `WindowAttention`.
        window_size: Integer. See `WindowAttention`.
        shift: Integer. See `WindowAttention`.
        mlp_ratio: Float. Width of the MLP in multiples of the channels.
        drop_path: Float. Rate at which a residual branch is dropped in training, for
            each image of a batch independently.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor, a feature map.
        training: Boolean, or `None`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, C)`

    Raises:
        ValueError: If an argument of `WindowAttention` is out of range, or the input
            is not a feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.backbones.SwinBlock(num_heads=2, window_size=4, shift=2)
    print(layer(np.zeros((1, 5, 7, 8), "float32")).shape)  # (1, 5, 7, 8)
    ```
    """

    def __init__(
        self,
        num_heads,
        window_size,
        shift=0,
        mlp_ratio=4.0,
        drop_path=0.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.window_size = window_size
        self.shift = shift
        self.mlp_ratio = mlp_ratio
        self.drop_path = drop_path

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        kwargs, hidden = {"dtype": self.dtype_policy}, int(channels * self.mlp_ratio)
        self.add_sublayer(layer_norm("attention_norm", **kwargs), input_shape)
        self.add_sublayer(
            WindowAttention(
                self.num_heads, self.window_size, self.shift, name="attention", **kwargs
            ),
            input_shape,
        )
        self.add_sublayer(layer_norm("mlp_norm", **kwargs), input_shape)
        self.add_sublayer(
            keras.layers.Dense(hidden, activation="gelu", name="mlp_expand", **kwargs),
            input_shape,
        )
        self.add_sublayer(
            keras.layers.Dense(channels, name="mlp_reduce", **kwargs),
            (*input_shape[:-1], hidden),
        )
        self.add_sublayer(
            keras.layers.Dropout(
                self.drop_path,
                noise_shape=(None, 1, 1, 1),
                name="path_dropout",
                **kwargs,
            )
        )

    def call(self, inputs, training=None):
        x = rematerialized(self._attend, inputs)
        x = inputs + self.path_dropout(x, training=training)
        y = rematerialized(self._transform, x)
        return x + self.path_dropout(y, training=training)

    def _attend(self, x):
        return self.attention(self.attention_norm(x))

    def _transform(self, x):
        return self.mlp_reduce(self.mlp_expand(self.mlp_norm(x)))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window_size": self.window_size,
            "shift": self.shift,
            "mlp_ratio": self.mlp_ratio,
            "drop_path": self.drop_path,
        }
