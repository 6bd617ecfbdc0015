import keras

from keras_seg.backbones.swin.pad_to_multiple import pad_to_multiple


@keras.saving.register_keras_serializable(package="keras_seg")
class PatchEmbedding(keras.layers.Layer):
    """Projects each patch of an image and normalises over channels.

    Zeros fill an image whose sides the patch does not divide.

    Reference:
        [Swin Transformer](https://arxiv.org/abs/2103.14030).

    Args:
        units: Integer. Number of output channels.
        patch_size: Integer. Side of a patch.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, ceil(H / patch_size), ceil(W / patch_size), units)`

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.backbones.PatchEmbedding(8)
    print(layer(np.zeros((1, 13, 16, 3), "float32")).shape)  # (1, 4, 4, 8)
    ```
    """

    def __init__(self, units, patch_size=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.patch_size = patch_size

    def build(self, input_shape):
        kwargs = {"dtype": self.dtype_policy}
        self.projection = keras.layers.Conv2D(
            self.units,
            self.patch_size,
            strides=self.patch_size,
            name="projection",
            **kwargs,
        )
        self.projection.build(input_shape)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm", **kwargs)
        self.norm.build(self.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs):
        return self.norm(self.projection(pad_to_multiple(inputs, self.patch_size)))

    def compute_output_shape(self, input_shape):
        height, width = (
            None if n is None else -(-n // self.patch_size) for n in input_shape[1:3]
        )
        return (input_shape[0], height, width, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "patch_size": self.patch_size,
        }
