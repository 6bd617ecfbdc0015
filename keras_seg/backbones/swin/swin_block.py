import keras

from keras_seg.backbones.swin.window_attention import WindowAttention


@keras.saving.register_keras_serializable(package="keras_seg")
class SwinBlock(keras.layers.Layer):
    """Attention in windows, then an MLP, each added to what came in.

    Reference:
        [Swin Transformer](https://arxiv.org/abs/2103.14030).

    Args:
        num_heads, window_size, shift: See `WindowAttention`.
        mlp_ratio: Number. Width of the MLP in multiples of the channels.
        drop_path: Float. Rate at which training leaves out what would be added, for
            each image of a batch on its own.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Feature map.
        training: Boolean, or `None`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, C)`

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
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.window_size = window_size
        self.shift = shift
        self.mlp_ratio = mlp_ratio
        self.drop_path = drop_path

    def build(self, input_shape):
        channels = input_shape[-1]
        hidden = int(channels * self.mlp_ratio)
        kwargs = {"dtype": self.dtype_policy}
        self.attention_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="attention_norm", **kwargs
        )
        self.attention = WindowAttention(
            self.num_heads, self.window_size, self.shift, name="attention", **kwargs
        )
        self.mlp_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="mlp_norm", **kwargs
        )
        self.mlp_expand = keras.layers.Dense(
            hidden, activation="gelu", name="mlp_expand", **kwargs
        )
        self.mlp_reduce = keras.layers.Dense(channels, name="mlp_reduce", **kwargs)
        for layer in (
            self.attention_norm,
            self.attention,
            self.mlp_norm,
            self.mlp_expand,
        ):
            layer.build(input_shape)
        self.mlp_reduce.build((*input_shape[:-1], hidden))
        self.path_dropout = keras.layers.Dropout(
            self.drop_path, noise_shape=(None, 1, 1, 1), name="path_dropout", **kwargs
        )
        self.built = True

    def call(self, inputs, training=None):
        x = self.attention(self.attention_norm(inputs))
        x = inputs + self.path_dropout(x, training=training)
        y = self.mlp_reduce(self.mlp_expand(self.mlp_norm(x)))
        return x + self.path_dropout(y, training=training)

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
