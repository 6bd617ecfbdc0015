"""Convolution of groups of channels, and the shuffle that mixes the groups."""

import keras
from keras import ops

from keras_seg.layers.composite_layer import (
    check_feature_map,
    check_groups,
    check_input_groups,
    check_positive,
)
from keras_seg.layers.valid_region import mask_padding


@keras.saving.register_keras_serializable(package="keras_seg")
class GroupedConv2D(keras.layers.Layer):
    """Convolves each group of channels separately, without bias.

    `keras.layers.Conv2D` with `groups` computes the same, but with TensorFlow and JAX
    on CPUs it takes many times as long to train, see docs/upstream.md. This layer
    convolves with a kernel that is zero between the groups, which suits few channels.

    Args:
        filters: Integer. Number of output channels.
        groups: Integer. Number of groups; divides the input channels and `filters`.
        kernel_size: Integer. Height and width of the kernel.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, filters)`

    Raises:
        ValueError: If `groups` does not divide `filters` or the input channels, or the
            input is not a feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.GroupedConv2D(8, groups=4)
    print(layer(np.zeros((1, 5, 6, 16), "float32")).shape)  # (1, 5, 6, 8)
    ```
    """

    def __init__(self, filters, groups, kernel_size=3, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(filters=filters, groups=groups, kernel_size=kernel_size)
        check_groups(groups, filters=filters)
        self.filters = filters
        self.groups = groups
        self.kernel_size = kernel_size

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        check_input_groups(self.groups, input_shape)
        side = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, channels // self.groups, self.filters),
            initializer="glorot_uniform",
        )

    def call(self, inputs):
        kernel = self._block_diagonal(inputs.shape[-1])
        return ops.conv(mask_padding(inputs), kernel, padding="same")

    def _block_diagonal(self, channels):
        """The kernel, with zeros from each group to the others."""
        groups, side = self.groups, self.kernel_size
        kernel = ops.reshape(
            self.kernel, (side, side, 1, channels // groups, groups, -1)
        )  # (k, k, 1, C/G, G, F/G)
        own = ops.reshape(ops.eye(groups, dtype=kernel.dtype), (groups, 1, groups, 1))
        kernel = kernel * own  # (k, k, G, C/G, G, F/G)
        return ops.reshape(kernel, (side, side, channels, self.filters))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "groups": self.groups,
            "kernel_size": self.kernel_size,
        }


@keras.saving.register_keras_serializable(package="keras_seg")
class ChannelShuffle(keras.layers.Layer):
    """Reorders channels so that each new group has one channel of each old group.

    Reference:
        [ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
        Devices](https://arxiv.org/abs/1707.01083), CVPR 2018.

    Args:
        groups: Integer. Number of groups before; divides the channels.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, C)`

    Raises:
        ValueError: If `groups` does not divide the channels, or the input is not a
            feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    x = np.array([0.0, 1.0, 2.0, 3.0], "float32").reshape(1, 1, 1, 4)
    print(keras_seg.layers.ChannelShuffle(groups=2)(x))  # [[[[0. 2. 1. 3.]]]]
    ```
    """

    def __init__(self, groups, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(groups=groups)
        self.groups = groups

    def build(self, input_shape):
        check_feature_map(self, input_shape)
        check_input_groups(self.groups, input_shape)

    def call(self, inputs):
        shape = ops.shape(inputs)
        size = inputs.shape[-1] // self.groups
        x = ops.reshape(inputs, (*shape[:-1], self.groups, size))  # (B, H, W, G, C/G)
        x = ops.transpose(x, (0, 1, 2, 4, 3))  # (B, H, W, C/G, G)
        return ops.reshape(x, shape)  # (B, H, W, C)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}
