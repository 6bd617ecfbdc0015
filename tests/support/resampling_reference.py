"""Convolutions at other scales and of groups in float64 NumPy, of (B, H, W, C)."""

import math

import numpy as np
from numpy_reference import adaptive_pool, conv3x3, depthwise3x3


def resize_aligned(x, height, width):
    """Bilinear; the first and the last positions coincide."""
    return _lines(_lines(x, height, 1), width, 2)


def _lines(x, length, axis):
    old = x.shape[axis]
    lines = []
    for i in range(length):
        position = i * (old - 1) / (length - 1) if length > 1 else 0.0
        below = min(int(position + 1e-9), old - 1)
        above, part = min(below + 1, old - 1), position - below
        first, second = np.take(x, below, axis), np.take(x, above, axis)
        lines.append(first * (1 - part) + second * part)
    return np.stack(lines, axis)


def scaled_depthwise(x, kernel, scale, min_size=5):
    """`kernel` is of the shape (3, 3, C, 1); `scale` a `fractions.Fraction`."""
    height, width = x.shape[1:3]
    size = [max(min_size, math.ceil(n * scale)) for n in (height, width)]
    there, back = resize_aligned, adaptive_pool
    if scale < 1:
        there, back = back, there
    x = there(x, *size)
    x = depthwise3x3(x, {"conv/kernel": kernel}, "conv")
    return back(x, height, width)


def grouped_conv(x, kernel, groups):
    """`kernel` is of the shape (3, 3, C / groups, filters)."""
    parts = zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True)
    return np.concatenate(
        [conv3x3(part, {"conv/kernel": k}, "conv") for part, k in parts], -1
    )


def channel_shuffle(x, groups):
    return np.stack(np.split(x, groups, -1), -1).reshape(x.shape)
