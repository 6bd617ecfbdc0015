"""How Swin Transformer makes patches: padding, embedding and merging."""

import keras
from keras import ops

from keras_seg.keras_internals.pad_below import pad_below
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    check_feature_map,
    check_positive,
    layer_norm,
)


def pad_to_multiple(x, multiple):
    """Pads a map with zeros, below and to the right, to a multiple of an integer.

    Args:
        x: Tensor of shape `(B, H, W, C)`.
        multiple: Integer. Divides height and width of the result.

    Returns:
        Tensor of shape `(B, ceil(H / multiple) * multiple, ..., C)`.

    Example:

    ```python
    import numpy as np
    from keras_seg.backbones.swin.patches import pad_to_multiple

    print(pad_to_multiple(np.zeros((1, 5, 8, 3)), 4).shape)  # (1, 8, 8, 3)
    ```
    """
    height, width = ops.shape(x)[1:3]
    # Not -height % multiple, which is negative in files that tf2onnx makes.
    below, right = ((multiple - n % multiple) % multiple for n in (height, width))
    return pad_below(x, below, right)


@keras.saving.register_keras_serializable(package="keras_seg")
class PatchEmbedding(CompositeLayer):
    """Projects each patch of an image and normalises over channels.

    Images are padded with zeros to a multiple of the patch size.

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

    Raises:
        ValueError: If an argument is not a positive integer or the input is not a
            feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.backbones.PatchEmbedding(8)
    print(layer(np.zeros((1, 13, 16, 3), "float32")).shape)  # (1, 4, 4, 8)
    ```
    """

    def __init__(self, units, patch_size=4, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(units=units, patch_size=patch_size)
        self.units = units
        self.patch_size = patch_size

    def build(self, input_shape):
        check_feature_map(self, input_shape)
        kwargs, size = {"dtype": self.dtype_policy}, self.patch_size
        self.add_sublayer(
            keras.layers.Conv2D(
                self.units, size, strides=size, name="projection", **kwargs
            ),
            input_shape,
        )
        self.add_sublayer(
            layer_norm("norm", **kwargs), self.compute_output_shape(input_shape)
        )

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


@keras.saving.register_keras_serializable(package="keras_seg")
class PatchMerging(CompositeLayer):
    """Halves the sides of a map: four neighbours are projected to one position.

    Maps of odd sides are padded with zeros. The neighbours are concatenated in the
    order upper left, lower left, upper right, lower right, as in the first published
    code of Swin Transformer.

    Reference:
        [Swin Transformer](https://arxiv.org/abs/2103.14030).

    Args:
        units: Integer. Number of output channels.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, ceil(H / 2), ceil(W / 2), units)`

    Raises:
        ValueError: If `units` is not a positive integer or the input is not a feature
            map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.backbones.PatchMerging(16)
    print(layer(np.zeros((1, 5, 8, 8), "float32")).shape)  # (1, 3, 4, 16)
    ```
    """

    def __init__(self, units, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(units=units)
        self.units = units

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        kwargs, merged = {"dtype": self.dtype_policy}, (*input_shape[:-1], 4 * channels)
        self.add_sublayer(layer_norm("norm", **kwargs), merged)
        self.add_sublayer(
            keras.layers.Dense(self.units, use_bias=False, name="reduction", **kwargs),
            merged,
        )

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
