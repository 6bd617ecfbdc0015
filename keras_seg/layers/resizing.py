"""Bilinear and nearest resizing for any height and width, known or not.

`keras.ops.image.resize` needs sizes that are known when the graph is traced. In a
TensorFlow graph with an unknown height or width it fails. Where a size is unknown, the
functions here gather rows and columns instead, with the same half-pixel centres and
without antialiasing.
"""

import fractions
from typing import Any

import keras
from keras import ops

from keras_seg.keras_internals.faster_operations import resize_image
from keras_seg.layers.resampling import aligned_matrix, resample
from keras_seg.layers.valid_region import is_padded, mask_padding, valid_size


def resize_bilinear(x, size) -> Any:
    """Resizes feature maps with bilinear interpolation and half-pixel centres.

    Args:
        x: Tensor of shape `(B, H, W, C)`.
        size: Pair `(height, width)` of integers or scalar integer tensors.

    Returns:
        Tensor of shape `(B, height, width, C)` and of the dtype of `x`; integers are
        rounded.

    Raises:
        ValueError: If `x` is not of rank 4.

    Example:

    ```python
    import numpy as np
    import keras_seg

    features = np.random.normal(size=(1, 6, 8, 16)).astype("float32")
    print(keras_seg.layers.resize_bilinear(features, (12, 16)).shape)
    ```
    """
    x = ops.convert_to_tensor(x)
    _check_rank("resize_bilinear", x, "(B, H, W, C)")
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not keras.backend.is_float_dtype(dtype):
        x = resize_bilinear(ops.cast(x, "float32"), size)
        return ops.cast(ops.round(x), dtype)
    height, width = size
    known = (*x.shape[1:3], height, width)
    if all(isinstance(n, int) for n in known):
        if known[:2] == known[2:]:
            return x
        if is_padded():
            return resize_padded(x, valid_size(known[:2]), valid_size(size), size)
        return ops.cast(resize_image(x, (height, width)), x.dtype)
    shape = ops.shape(x)
    x = _interpolate_axis(x, shape[1], height, axis=1)  # (B, height, W, C)
    return _interpolate_axis(x, shape[2], width, axis=2)  # (B, height, width, C)


def resize_nearest(labels, size) -> Any:
    """Resizes label maps: each cell takes the label at its centre.

    Args:
        labels: Tensor of shape `(B, H, W)`.
        size: Pair `(height, width)` of integers or scalar integer tensors.

    Returns:
        Tensor of shape `(B, height, width)` and of the dtype of `labels`.

    Raises:
        ValueError: If `labels` is not of rank 3.

    Example:

    ```python
    import numpy as np
    import keras_seg

    labels = np.array([[[0, 1, 2, 255]]])
    print(keras_seg.layers.resize_nearest(labels, (1, 2)))  # [[[1 255]]]
    ```
    """
    labels = ops.convert_to_tensor(labels)
    _check_rank("resize_nearest", labels, "(B, H, W)")
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


@keras.saving.register_keras_serializable(package="keras_seg")
class ResizeToMatch(keras.layers.Layer):
    """Resizes a map bilinearly to the height and width of another tensor.

    Args:
        align_corners: Boolean. Whether the centres of the corner positions coincide
            before and after, as some published methods have it, instead of the borders
            of the maps.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor to resize.
        reference: Tensor whose height and width are taken.

    Input shape:
        `(B, h, w, C)` and `(B, H, W, ...)`

    Output shape:
        `(B, H, W, C)`

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ResizeToMatch()
    logits, image = np.zeros((1, 3, 4, 7), "float32"), np.zeros((1, 11, 15, 3))
    print(layer(logits, image).shape)  # (1, 11, 15, 7)
    ```
    """

    def __init__(self, align_corners=False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.align_corners = align_corners
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs, reference):
        size = ops.shape(reference)[1:3]
        if not self.align_corners:
            return resize_bilinear(inputs, size)
        old, new = valid_size(ops.shape(inputs)[1:3]), valid_size(size)
        return resample(mask_padding(inputs), aligned_matrix, old, new, size)

    def compute_output_shape(self, inputs_shape, reference_shape):
        return (inputs_shape[0], *reference_shape[1:3], inputs_shape[-1])

    def get_config(self):
        return {**super().get_config(), "align_corners": self.align_corners}


@keras.saving.register_keras_serializable(package="keras_seg")
class ResizeToMultiple(keras.layers.Layer):
    """Enlarges images bilinearly to sizes that are a multiple of an integer.

    Enlarging keeps thin objects visible at coarse strides. Sizes that are a multiple
    of the coarsest stride keep the levels of a pyramid aligned, and an image of a
    single pixel keeps at least one position on each level.

    Args:
        scale: Float, at least 1. Rounded to three decimals.
        multiple: Integer. Sizes are rounded up to a multiple of it.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, ceil(int(H * scale) / multiple) * multiple, ..., C)`, likewise for `W`.

    Raises:
        ValueError: If `scale` or `multiple` is below 1.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ResizeToMultiple(1.5, multiple=8)
    print(layer(np.zeros((1, 5, 16, 3), "float32")).shape)  # (1, 8, 24, 3)
    ```
    """

    def __init__(self, scale=1.0, multiple=1, **kwargs) -> None:
        super().__init__(**kwargs)
        if not (scale >= 1 and multiple >= 1):
            raise ValueError(
                "`scale` and `multiple` must be at least 1. Received: "
                f"scale={scale}, multiple={multiple}. Shrink images in the data "
                "pipeline instead, with antialiasing."
            )
        self.input_spec = keras.layers.InputSpec(ndim=4)
        self.scale = float(scale)
        self.multiple = int(multiple)
        # In integers, so that known and unknown sizes are rounded in the same way.
        self._ratio = fractions.Fraction(self.scale).limit_denominator(1000)

    def call(self, inputs):
        size = ops.shape(inputs)[1:3]
        return resize_bilinear(inputs, [self.enlarged(n) for n in size])

    def largest_size(self, n):
        """The largest side that is enlarged to the same side as `n`."""
        return self.largest_within(self.enlarged(n))

    def largest_within(self, side):
        """The largest side that is enlarged to at most `side`, a multiple."""
        up, down = self._ratio.numerator, self._ratio.denominator
        # The largest m with m * up // down at most the new side.
        return ((side + 1) * down - 1) // up

    def enlarged(self, n):
        """The new length of a side of `n` pixels."""
        n = n * self._ratio.numerator // self._ratio.denominator
        return (n + self.multiple - 1) // self.multiple * self.multiple

    def compute_output_shape(self, input_shape):
        height, width = (
            None if n is None else self.enlarged(n) for n in input_shape[1:3]
        )
        return (input_shape[0], height, width, input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "multiple": self.multiple,
        }


def _check_rank(name, x, expected):
    if len(x.shape) != expected.count(",") + 1:
        raise ValueError(
            f"{name} expects a tensor of shape {expected}. Received: shape "
            f"{tuple(x.shape)}."
        )


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
