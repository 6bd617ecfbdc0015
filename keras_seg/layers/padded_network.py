"""Convolutional networks that leave out the padding of their input.

See `valid_region`. A network is run layer by layer. Layers that process each position
on its own run unchanged. The input of layers that read neighbouring positions is
masked.
"""

import math

import keras

from keras_seg.keras_internals.layer_graph import parent_layers
from keras_seg.layers.grouped_conv import ChannelShuffle, GroupedConv2D
from keras_seg.layers.grouped_dense import GroupedDense
from keras_seg.layers.resizing import ResizeToMatch
from keras_seg.layers.scaled_depthwise_conv import ScaledDepthwiseConv2D
from keras_seg.layers.valid_region import (
    is_padded,
    mask_padding,
    mean_over_positions,
)

CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
POOLING = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
# Layers that process each position on its own, outside training.
POINTWISE = (
    keras.layers.InputLayer,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.Add,
    keras.layers.Multiply,
    keras.layers.Concatenate,
    keras.layers.BatchNormalization,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    GroupedDense,
    ChannelShuffle,
)
# Layers that leave out the padding by themselves.
AWARE_OF_PADDING = (GroupedConv2D, ScaledDepthwiseConv2D, ResizeToMatch)


def run_layer(layer, function, args, kwargs):
    """Calls a layer of a network, so that it does not see the padding.

    For `LowMemoryModel`. Outside the context `valid_region` it is a plain call.

    Args:
        layer: Layer of a network for which `can_mask_padding` is true.
        function: Function that calls the layer.
        args: Tuple, positional arguments of the call.
        kwargs: Dictionary, the other arguments of the call.

    Returns:
        The output of the layer.
    """
    if is_padded():
        if isinstance(layer, keras.layers.GlobalAveragePooling2D):
            return mean_over_positions(args[0], keepdims=layer.keepdims)
        if _sees_neighbours(layer) and not _parents(layer, keras.layers.ZeroPadding2D):
            # Where a maximum is taken, Keras pads with the lowest value.
            lowest = isinstance(layer, keras.layers.MaxPooling2D)
            x = mask_padding(args[0], -math.inf if lowest else 0.0)
            args = (x, *args[1:])
    return function(*args, **kwargs)


def can_mask_padding(network, multiple):
    """Whether a network gives the same results inside `valid_region` as without it.

    Args:
        network: Functional `keras.Model` that takes images of any size.
        multiple: Integer that divides height and width of all images.

    Returns:
        Boolean. `False` if a layer is not known to process each position on its own or
        only neighbours, or if the strides of the feature maps do not divide `multiple`.

    Example:

    ```python
    import keras
    from keras_seg.layers.padded_network import can_mask_padding

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    print(can_mask_padding(keras.Model(inputs, x), multiple=2))  # True
    x = keras.layers.GroupNormalization(2)(x)  # over all positions
    print(can_mask_padding(keras.Model(inputs, x), multiple=2))  # False
    ```
    """
    layers = network.operations
    if not all(map(_is_known, layers)):
        return False
    # After explicit padding only windows that do not pad again, or sizes are unclear.
    for layer in layers:
        padded = _parents(layer, keras.layers.ZeroPadding2D)
        if padded and not (padded == "all" and layer_is(layer, CONVOLUTIONS + POOLING)):
            return False
    side = 8 * multiple
    probe = keras.Model(network.inputs, [layer.output for layer in layers])
    shapes = probe.compute_output_shape((1, side, side, network.inputs[0].shape[-1]))
    return all(
        _keeps_alignment(layer, shape, side, multiple)
        for layer, shape in zip(layers, shapes, strict=True)
    )


def layer_is(layer, classes):
    """Whether a layer is of one of the classes, and not of a subclass."""
    return type(layer) in classes


def _is_known(layer):
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return False
    if layer_is(layer, (keras.layers.Reshape,)):  # of a vector
        return _parents(layer, keras.layers.GlobalAveragePooling2D) == "all"
    if layer_is(layer, (keras.layers.BatchNormalization, keras.layers.Concatenate)):
        return layer.axis in (-1, 3)
    if layer_is(layer, (keras.layers.Normalization,)):
        return layer.axis in ((-1,), (3,))
    if layer_is(layer, (keras.layers.AveragePooling2D,)) and _sees_neighbours(layer):
        # At the border it averages over fewer positions.
        return layer.padding == "valid"
    whole = (keras.layers.GlobalAveragePooling2D, keras.layers.ZeroPadding2D)
    known = CONVOLUTIONS + POOLING + POINTWISE + AWARE_OF_PADDING + whole
    return layer_is(layer, known)


def _keeps_alignment(layer, shape, side, multiple):
    if layer_is(layer, (keras.layers.ZeroPadding2D,)) or len(shape) != 4:
        return True
    if shape[1] == 1:  # a vector of the whole image
        return not _sees_neighbours(layer)
    return shape[1] == shape[2] and shape[1] * multiple % side == 0


def _sees_neighbours(layer):
    """Whether windows overlap, so that padding must be masked before the layer."""
    if layer_is(layer, AWARE_OF_PADDING):
        return False
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return True
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", ())
    strides = getattr(layer, "strides", ())
    return any(n > m for n, m in zip(window, strides, strict=False))


def _parents(layer, kind):
    """Whether "all", "some" or none (`None`) of the inputs come from such layers."""
    found = [isinstance(parent, kind) for parent in parent_layers(layer)]
    if not any(found):
        return None
    return "all" if all(found) else "some"
