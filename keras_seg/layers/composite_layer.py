"""What layers share that consist of other layers: making and checking sublayers."""

import numbers

import keras

from keras_seg.keras_internals.faster_operations import faster_operations


class CompositeLayer(keras.layers.Layer):
    """Base class of layers that consist of other layers.

    `add_sublayer` does for layers what `add_weight` does for weights. A subclass calls
    it in `build`, so that each sublayer is named, made and built in one statement.
    Operations that a backend computes slowly are replaced inside the layer, also in
    models that are not of this package: see `faster_operations`.

    Args:
        **kwargs: Passed to `keras.layers.Layer`.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.layers.composite_layer import CompositeLayer

    class Block(CompositeLayer):
        def build(self, input_shape):
            dense = keras.layers.Dense(4, name="dense", dtype=self.dtype_policy)
            self.add_sublayer(dense, input_shape)

        def call(self, inputs):
            return self.dense(inputs)

    print(Block()(np.zeros((2, 3))).shape)  # (2, 4)
    ```
    """

    @faster_operations()
    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **kwargs)

    def add_sublayer(self, layer, *input_shapes):
        """Builds a layer and makes it an attribute under the name of the layer.

        Args:
            layer: Layer. Its name is the name of the attribute.
            *input_shapes: The arguments of `layer.build`; none for a layer without
                weights, which needs no building.
        """
        setattr(self, layer.name, build_layer(layer, *input_shapes))


def build_layer(layer, *input_shapes):
    """Builds a layer for the given shapes, if any, and returns it.

    Used for the entries of a list of sublayers, which are no attributes of their own.
    """
    if input_shapes:
        layer.build(*input_shapes)
    if len(input_shapes) == 1 and layer.input_spec is None:
        # As other layers of Keras have it, but not `LayerNormalization`.
        layer.input_spec = keras.layers.InputSpec(axes={-1: input_shapes[0][-1]})
    return layer


def batch_norm(name, **kwargs):
    """`BatchNormalization` with the constants of the published heads."""
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=name, **kwargs
    )


def layer_norm(name, epsilon=1e-5, **kwargs):
    """`LayerNormalization` over the channels, with epsilon 1e-5 by default."""
    return keras.layers.LayerNormalization(epsilon=epsilon, name=name, **kwargs)


def check_feature_map(layer, input_shape):
    """The number of channels of the feature map that a layer takes.

    Sets the `input_spec` of the layer, so that later calls are checked as well.

    Args:
        layer: Layer whose first input is a feature map `(B, H, W, C)`.
        input_shape: What its `build` was called with.

    Raises:
        ValueError: If the shape is not of rank 4 or `C` is unknown.
    """
    shape = tuple(input_shape)
    if len(shape) != 4 or not isinstance(shape[-1], int):
        raise ValueError(
            f"{type(layer).__name__} expects a feature map of shape (B, H, W, C) with "
            f"a known number of channels C. Received: input_shape={shape}."
        )
    layer.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: shape[-1]})
    return shape[-1]


def check_groups(groups, **channels):
    """Raises unless `groups` divides each argument, a number of output channels.

    Raises:
        ValueError: If it does not divide one, with its name.
    """
    for name, number in channels.items():
        if number % groups:
            raise ValueError(
                f"`groups` must divide `{name}`. Received: groups={groups}, "
                f"{name}={number}. Choose {name} as a multiple of groups."
            )


def check_input_groups(groups, input_shape):
    """Raises unless `groups` divides the input channels.

    Raises:
        ValueError: If it does not, or their number is unknown.
    """
    if input_shape[-1] is None or input_shape[-1] % groups:
        raise ValueError(
            f"`groups` must divide the input channels. Received: groups={groups}, "
            f"input_shape={tuple(input_shape)}."
        )


def check_positive(**values):
    """Raises unless each argument is a positive integer.

    Raises:
        ValueError: If one is not, with its name.
    """
    for name, number in values.items():
        is_integer = isinstance(number, numbers.Integral)
        if isinstance(number, bool) or not is_integer or number < 1:
            raise ValueError(
                f"`{name}` must be a positive integer. Received: {name}={number!r}."
            )
