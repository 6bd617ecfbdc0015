"""Mix Transformer in float64 NumPy, for one image of any height and width.

Weights come in the order of keras-hub's. Maps stay maps `(H, W, C)` throughout.
"""

import math

import numpy as np
from numpy_reference import softmax


def levels(image, weights, depths, heads, reductions, strides):
    """The list of all levels, finest first."""
    weights = iter(weights)
    x, found = image, []
    for i, depth in enumerate(depths):
        kernel, bias = next(weights), next(weights)
        x = convolution(x, kernel, bias, strides[i], kernel.shape[0] // 2)
        x = norm(x, weights, 1e-5)
        for _ in range(depth):
            x = block(x, weights, heads[i], reductions[i])
        x = norm(x, weights, 1e-5)
        found.append(x)
    return found


def block(x, weights, heads, reduction):
    y = norm(x, weights, 1e-6)
    (q, k, v, out) = [(next(weights), next(weights)) for _ in range(4)]
    reduced = y
    if reduction > 1:
        reduced = convolution(y, next(weights), next(weights), reduction, 0)
        reduced = norm(reduced, weights, 1e-5)
    query, key, value = y @ q[0] + q[1], reduced @ k[0] + k[1], reduced @ v[0] + v[1]
    attended = np.zeros_like(query)
    depth = query.shape[-1] // heads
    for head in range(heads):
        part = slice(head * depth, (head + 1) * depth)
        scores = np.einsum("yxc,vuc->yxvu", query[..., part], key[..., part])
        shape = scores.shape
        scores = softmax(scores.reshape(*shape[:2], -1) / math.sqrt(depth), -1)
        attended[..., part] = np.einsum(
            "yxvu,vuc->yxc", scores.reshape(shape), value[..., part]
        )
    x = x + attended @ out[0] + out[1]

    y = norm(x, weights, 1e-6)
    expand, spread, reduce = [(next(weights), next(weights)) for _ in range(3)]
    y = y @ expand[0] + expand[1]
    height, width = y.shape[:2]
    padded = np.pad(y, ((1, 1), (1, 1), (0, 0)))
    y = spread[1] + sum(
        padded[i : i + height, j : j + width] * spread[0][i, j, :, 0]
        for i in range(3)
        for j in range(3)
    )
    y = y * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3))) / 2  # GELU
    return x + y @ reduce[0] + reduce[1]


def convolution(x, kernel, bias, stride, padding):
    """What the kernel does not reach at the right and lower border is left out."""
    x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
    side = kernel.shape[0]
    height, width = ((n - side) // stride + 1 for n in x.shape[:2])
    result = np.zeros((height, width, kernel.shape[-1])) + bias
    for row in range(height):
        for column in range(width):
            y, x_ = row * stride, column * stride
            patch = x[y : y + side, x_ : x_ + side]
            result[row, column] += np.einsum("ijc,ijcd->d", patch, kernel)
    return result


def norm(x, weights, epsilon):
    gamma, beta = next(weights), next(weights)
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon) * gamma + beta
