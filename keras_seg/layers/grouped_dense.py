import keras
from keras import ops

from keras_seg.layers.composite_layer import (
    check_groups,
    check_input_groups,
    check_positive,
)


@keras.saving.register_keras_serializable(package="keras_seg")
class GroupedDense(keras.layers.Layer):
    """Projects each group of channels separately: a grouped 1x1 convolution.

    The published methods use a convolution with `groups`. In Keras the gradient of
    such a convolution is about twenty times slower than that of the block-diagonal
    matrix product that is used here.

    Args:
        units: Integer. Number of output channels.
        groups: Integer. Number of groups; divides the input channels and `units`.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(..., C)`

    Output shape:
        `(..., units)`

    Raises:
        ValueError: If `groups` does not divide `units` or the input channels.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.GroupedDense(8, groups=4)
    print(layer(np.zeros((1, 5, 6, 16), "float32")).shape)  # (1, 5, 6, 8)
    ```
    """

    def __init__(self, units, groups, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(units=units, groups=groups)
        check_groups(groups, units=units)
        self.units = units
        self.groups = groups

    def build(self, input_shape):
        check_input_groups(self.groups, input_shape)
        channels = input_shape[-1]
        self.input_spec = keras.layers.InputSpec(axes={-1: channels})
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.groups, channels // self.groups, self.units // self.groups),
            initializer=keras.initializers.VarianceScaling(1.0, "fan_avg", "uniform"),
        )

    def call(self, inputs):
        # On TensorFlow the gradient of an einsum over groups is up to 170 times slower
        # than that of a batch of matrix products, see docs/upstream.md.
        shape = ops.shape(inputs)
        channels = inputs.shape[-1] // self.groups
        x = ops.reshape(inputs, (-1, self.groups, channels))  # (N, G, C/G)
        x = ops.matmul(ops.transpose(x, (1, 0, 2)), self.kernel)  # (G, N, units/G)
        x = ops.transpose(x, (1, 0, 2))  # (N, G, units/G)
        return ops.reshape(x, (*shape[:-1], self.units))  # (..., units)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "groups": self.groups}
