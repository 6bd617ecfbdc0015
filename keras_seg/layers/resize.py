"""Bilinear and nearest resizing for any height and width, known or not.

`keras.ops.image.resize` needs sizes that are known when the graph is traced:
inside a TensorFlow graph with an unknown height or width it fails. Where a size
is unknown the functions here gather rows and columns instead, with the same
half-pixel centres and without antialiasing.
"""

import keras
from keras import ops


def resize_bilinear(x, size):
    """Resizes feature maps with bilinear interpolation and half-pixel centres.

    Args:
        x: Tensor of shape `(B, H, W, C)`.
        size: Pair `(height, width)` of integers or scalar integer tensors.

    Returns:
        Tensor of shape `(B, height, width, C)` and of the dtype of `x`; integers are
        rounded.

    Example:

    ```python
    import numpy as np
    import keras_seg

    features = np.random.normal(size=(1, 6, 8, 16)).astype("float32")
    print(keras_seg.layers.resize_bilinear(features, (12, 16)).shape)
    ```
    """
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not keras.backend.is_float_dtype(dtype):
        x = resize_bilinear(ops.cast(x, "float32"), size)
        return ops.cast(ops.round(x), dtype)
    height, width = size
    known = (*x.shape[1:3], height, width)
    if all(isinstance(n, int) for n in known):
        if known[:2] == known[2:]:
            return x
        return ops.cast(ops.image.resize(x, (height, width)), x.dtype)
    shape = ops.shape(x)
    x = _interpolate_axis(x, shape[1], height, axis=1)  # (B, height, W, C)
    return _interpolate_axis(x, shape[2], width, axis=2)  # (B, height, width, C)


def resize_nearest(labels, size):
    """Picks, for every cell of a grid, the label under the centre of the cell.

    Args:
        labels: Tensor of shape `(B, H, W)`.
        size: Pair `(height, width)` of integers or scalar integer tensors.

    Returns:
        Tensor of shape `(B, height, width)` and of the dtype of `labels`.

    Example:

    ```python
    import numpy as np
    import keras_seg

    labels = np.array([[[0, 1, 2, 255]]])
    print(keras_seg.layers.resize_nearest(labels, (1, 2)))  # [[[1 255]]]
    ```
    """
    labels = ops.convert_to_tensor(labels)
    shape = ops.shape(labels)
    rows = (2 * ops.arange(size[0]) + 1) * shape[1] // (2 * size[0])
    columns = (2 * ops.arange(size[1]) + 1) * shape[2] // (2 * size[1])
    labels = ops.take(labels, rows, axis=1)  # (B, height, W)
    return ops.take(labels, columns, axis=2)  # (B, height, width)


def resize_padded(x, old, new, shape):
    """Resizes what fills the top left of an array, to the top left of another.

    Args:
        x: Tensor of shape `(B, H, W, C)`, of any floating point type.
        old, new: Pairs `(height, width)` of integers or scalar integer tensors: the
            size of the part of `x` to resize, and its new size.
        shape: Pair of integers, the size of the result; what lies beyond `new` has no
            meaning.

    Returns:
        Tensor of shape `(B, *shape, C)`.
    """
    x = _interpolate_axis(x, old[0], new[0], axis=1, length=shape[0])
    return _interpolate_axis(x, old[1], new[1], axis=2, length=shape[1])


def _interpolate_axis(x, old, new, axis, length=None):
    ratio = ops.cast(old, "float32") / ops.cast(new, "float32")
    positions = ops.arange(new if length is None else length)
    centres = (ops.cast(positions, "float32") + 0.5) * ratio - 0.5
    centres = ops.clip(centres, 0.0, ops.cast(old - 1, "float32"))
    lower = ops.cast(ops.floor(centres), "int32")
    upper = ops.minimum(lower + 1, ops.cast(old - 1, "int32"))
    weight = ops.cast(centres - ops.cast(lower, "float32"), x.dtype)
    weight = ops.reshape(weight, [-1 if i == axis else 1 for i in range(4)])
    below = ops.take(x, lower, axis=axis)
    return below + (ops.take(x, upper, axis=axis) - below) * weight
