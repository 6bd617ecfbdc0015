"""Convolutions at other scales and of groups in float64 NumPy, of (B, H, W, C)."""

import math

import numpy as np


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


def adaptive_pool(x, height, width):
    """Cell i of n covers the positions floor(i L / n) to ceil((i + 1) L / n)."""
    return _cells(_cells(x, height, 1), width, 2)


def _cells(x, count, axis):
    length = x.shape[axis]
    cells = []
    for i in range(count):
        start, end = i * length // count, math.ceil((i + 1) * length / count)
        cells.append(np.take(x, range(start, end), axis).mean(axis))
    return np.stack(cells, axis)


def scaled_depthwise(x, kernel, scale, min_size=5):
    """`kernel` is of the shape (3, 3, C, 1); `scale` a `fractions.Fraction`."""
    height, width = x.shape[1:3]
    size = [max(min_size, math.ceil(n * scale)) for n in (height, width)]
    there, back = resize_aligned, adaptive_pool
    if scale < 1:
        there, back = back, there
    x = there(x, *size)
    x = sum(part * kernel[i, j, :, 0] for part, i, j in _windows(x))
    return back(x, height, width)


def grouped_conv(x, kernel, groups):
    """`kernel` is of the shape (3, 3, C / groups, filters)."""
    parts = zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True)
    return np.concatenate(
        [sum(y @ k[i, j] for y, i, j in _windows(part)) for part, k in parts], -1
    )


def channel_shuffle(x, groups):
    return np.stack(np.split(x, groups, -1), -1).reshape(x.shape)


def _windows(x):
    """The part of the padded map under each element of a 3 x 3 kernel."""
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for i in range(3):
        for j in range(3):
            yield padded[:, i : i + height, j : j + width], i, j
