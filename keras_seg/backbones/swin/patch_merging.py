import keras
from keras import ops

from keras_seg.backbones.swin.pad_to_multiple import pad_to_multiple


@keras.saving.register_keras_serializable(package="keras_seg")
class PatchMerging(keras.layers.Layer):
    """Halves the sides of a map: four neighbours become one position.

    Zeros fill a map of odd sides. The neighbours stand in the order upper left, lower
    left, upper right, lower right, that of the first code of Swin.

    Reference:
        [Swin Transformer](https://arxiv.org/abs/2103.14030).

    Args:
        units: Integer. Number of output channels.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, ceil(H / 2), ceil(W / 2), units)`

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.backbones.PatchMerging(16)
    print(layer(np.zeros((1, 5, 8, 8), "float32")).shape)  # (1, 3, 4, 16)
    ```
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        merged = (*input_shape[:-1], 4 * input_shape[-1])
        kwargs = {"dtype": self.dtype_policy}
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm", **kwargs)
        self.norm.build(merged)
        self.reduction = keras.layers.Dense(
            self.units, use_bias=False, name="reduction", **kwargs
        )
        self.reduction.build(merged)
        self.built = True

    def call(self, inputs):
        x = pad_to_multiple(inputs, 2)
        neighbours = [x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        x = ops.concatenate(neighbours, axis=-1)  # (B, H / 2, W / 2, 4C)
        return self.reduction(self.norm(x))

    def compute_output_shape(self, input_shape):
        height, width = (None if n is None else (n + 1) // 2 for n in input_shape[1:3])
        return (input_shape[0], height, width, self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
