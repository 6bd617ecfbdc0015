"""The units of ESPNetv2, and the small layers that they and the decoder share."""

import keras

from keras_seg.layers.grouped_dense import GroupedDense

NUM_BRANCHES = 4  # of a unit, each with its own dilation
IMAGE_CHANNELS = 3
# Dilations of the branches of a unit that reduces the resolution to P2, P3, P4, and of
# the other units of P3 and P4. With many of these units the largest is left out.
DOWN_DILATIONS = (1, 2, 3, 4)
UNIT_DILATIONS = {3: (1, 2, 3, 4), 4: (1, 1, 2, 3)}


def down(x, view, channels, name):
    """Halves the resolution: a pooled map beside new channels, plus the small view."""
    pooled = halved(x, f"{name}_pool")  # (B, H, W, C_before)
    new = _branches(x, channels - x.shape[-1], DOWN_DILATIONS, name, strides=2)
    x = keras.layers.Concatenate(name=f"{name}_join")([pooled, new])  # (B, H, W, C)
    view = convolution(view, IMAGE_CHANNELS, f"{name}_image")
    view = activation(norm(view, f"{name}_image"), f"{name}_image")
    view = convolution(view, channels, f"{name}_image_expand", kernel_size=1)
    view = norm(view, f"{name}_image_expand")  # (B, H, W, C)
    return activation(keras.layers.Add(name=f"{name}_add")([x, view]), name)


def unit(x, dilations, name):
    """A unit that keeps the resolution, with a residual connection."""
    new = _branches(x, x.shape[-1], dilations, name)
    return activation(keras.layers.Add(name=f"{name}_add")([new, x]), name)


def _branches(x, channels, dilations, name, strides=1):
    """Reduces, convolves with several dilations, sums hierarchically, and joins."""
    x = GroupedDense(channels // NUM_BRANCHES, NUM_BRANCHES, name=f"{name}_reduce")(x)
    x = activation(norm(x, f"{name}_reduce"), f"{name}_reduce")  # (B, H, W, C/4)
    maps = []
    for i, dilation in enumerate(dilations):
        y = keras.layers.DepthwiseConv2D(
            3,
            dilation_rate=dilation,
            padding="same",
            use_bias=False,
            name=f"{name}_branch_{i}",
        )(x)
        if strides > 1:  # Keras has no strides beside dilation
            y = keras.layers.AveragePooling2D(
                1, strides=strides, name=f"{name}_branch_{i}_every_{strides}"
            )(y)
        if maps:
            y = keras.layers.Add(name=f"{name}_sum_{i}")([y, maps[-1]])
        maps.append(y)
    x = keras.layers.Concatenate(name=f"{name}_branches")(maps)  # (B, H, W, C)
    x = activation(norm(x, f"{name}_branches"), f"{name}_branches")
    x = GroupedDense(channels, NUM_BRANCHES, name=f"{name}_expand")(x)
    return norm(x, f"{name}_expand")


def halved(x, name):
    """Mean of 3 x 3 pixels at every second one; zeros outside count, as published."""
    return keras.layers.AveragePooling2D(3, strides=2, name=name)(pad(x, name))


def pad(x, name):
    # Padding "same" with strides would pad even sizes only below and on the right.
    return keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)


def convolution(x, filters, name, kernel_size=3, strides=1, padding="same"):
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        name=f"{name}_conv",
    )(x)


def norm(x, name):
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}_norm"
    )(x)


def activation(x, name):
    return keras.layers.PReLU(
        alpha_initializer=keras.initializers.Constant(0.25),
        shared_axes=[1, 2],
        name=f"{name}_activation",
    )(x)
