"""The decoder of ESPNetv2: pyramid pooling at five scales, from coarse to fine."""

import math

import keras

from keras_seg.backbones.espnetv2_units import activation, convolution, norm
from keras_seg.layers.grouped_conv import ChannelShuffle, GroupedConv2D
from keras_seg.layers.resizing import ResizeToMatch
from keras_seg.layers.scaled_depthwise_conv import ScaledDepthwiseConv2D

SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)


def decode(pyramid, filters, projection_dim):
    """Decodes the levels P4, P3 and P2 of the encoder, in this order.

    Args:
        pyramid: Dictionary from `"P2"`, `"P3"` and `"P4"` to symbolic tensors.
        filters: Three integers, the channels of the decoded P4, P3 and P2.
        projection_dim: Integer. Channels of the pyramid pooling.

    Returns:
        Dictionary from `"P4"`, `"P3"` and `"P2"` to symbolic tensors.
    """
    decoded, x = {}, None
    for level, width in zip((4, 3, 2), filters, strict=True):
        features, name = pyramid[f"P{level}"], f"decoder_{level}"
        if x is None:
            x = features
        else:
            x = _join(features, x, f"{name}_join")
        x = _pool(x, width, projection_dim, name)  # (B, H/2^n, W/2^n, C)
        decoded[f"P{level}"] = x
    return decoded


def _join(features, x, name):
    """A level of the encoder, times a gate for each channel, plus the coarser map."""
    channels = x.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(
        features
    )  # (B, 1, 1, C)
    gate = keras.layers.Conv2D(
        channels, 1, use_bias=False, activation="sigmoid", name=f"{name}_gate"
    )(gate)
    groups = math.gcd(features.shape[-1], channels)
    skip = GroupedConv2D(channels, groups, name=f"{name}_skip_conv")(features)
    skip = activation(norm(skip, f"{name}_skip"), f"{name}_skip")
    skip = keras.layers.Multiply(name=f"{name}_gated")([skip, gate])
    x = ResizeToMatch(align_corners=True, name=f"{name}_enlarge")(x, features)
    x = keras.layers.Add(name=f"{name}_add")([skip, x])  # (B, H, W, C)
    return activation(norm(x, name), name)


def _pool(x, channels, projection_dim, name):
    """Convolves few channels at each scale, joins the scales, and expands."""
    x = convolution(x, projection_dim, f"{name}_reduce", kernel_size=1)
    x = activation(norm(x, f"{name}_reduce"), f"{name}_reduce")  # (B, H, W, D)
    maps = []
    for i, scale in enumerate(SCALES):
        layer_name = f"{name}_scale_{i}"
        if scale == 1:
            convolve = keras.layers.DepthwiseConv2D(
                3, padding="same", use_bias=False, name=layer_name
            )
        else:
            convolve = ScaledDepthwiseConv2D(scale, name=layer_name)
        maps.append(convolve(x))
    x = keras.layers.Concatenate(name=f"{name}_scales")(maps)  # (B, H, W, 5D)
    x = activation(norm(x, f"{name}_scales"), f"{name}_scales")
    x = ChannelShuffle(len(SCALES), name=f"{name}_shuffle")(x)
    x = GroupedConv2D(projection_dim, projection_dim, name=f"{name}_merge_conv")(x)
    x = activation(norm(x, f"{name}_merge"), f"{name}_merge")  # (B, H, W, D)
    x = convolution(x, channels, f"{name}_expand", kernel_size=1)
    return activation(norm(x, f"{name}_expand"), f"{name}_expand")  # (B, H, W, C)
