"""Feature maps of images that fill only the top left of the network's input.

JAX compiles a program for each shape. Images of many sizes can share one if they are
padded, but then a network must not see the padding: its convolutions must find zeros
beyond the border of the image, its means and softmaxes must leave the padding out.
Inside the context `valid_region` the functions here do that. Outside it, in training
for example, they are the plain operations.
"""

import contextlib
import contextvars

import keras
from keras import ops

_region = contextvars.ContextVar("valid_region", default=None)


@contextlib.contextmanager
def valid_region(valid, full):
    """Context in which feature maps are valid only in their top left part.

    What lies beyond it may have any value, also infinity and NaN.

    Args:
        valid: Pair of integers or scalar integer tensors, height and width of the
            valid part of the network's input.
        full: Pair of integers, height and width of the network's input. The strides of
            the feature maps must divide all these numbers.

    Example:

    ```python
    from keras import ops
    from keras_seg.layers.valid_region import mask_padding, valid_region

    features = ops.ones((1, 2, 4, 8))  # of stride 32
    with valid_region((64, 96), (64, 128)):
        print(float(ops.sum(mask_padding(features))))  # 48.0
    ```
    """
    token = _region.set((tuple(valid), tuple(full)))
    try:
        yield
    finally:
        _region.reset(token)


def is_padded():
    """Whether the code runs inside the context `valid_region`."""
    return _region.get() is not None


def valid_size(size):
    """Height and width of the valid part of a feature map.

    Args:
        size: Pair, height and width of the whole feature map; integers inside the
            context.

    Returns:
        Pair of integers or scalar integer tensors; outside the context `size`.
    """
    region = _region.get()
    if region is None:
        return size
    return [n * v // f for n, v, f in zip(size, *region, strict=True)]


def mask_padding(x, value=0.0):
    """Replaces what lies beyond the valid part of a feature map.

    Args:
        x: Tensor `(B, H, W, C)`.
        value: Float, the replacement.

    Returns:
        Tensor of the same shape; outside the context `x` itself.
    """
    if not is_padded():
        return x
    height, width = x.shape[1:3]
    valid_height, valid_width = valid_size((height, width))
    rows = ops.arange(height)[:, None] < valid_height  # (H, 1)
    columns = ops.arange(width)[None, :] < valid_width  # (1, W)
    inside = ops.logical_and(rows, columns)[None, :, :, None]  # (1, H, W, 1)
    return ops.where(inside, x, ops.cast(value, x.dtype))


def mean_over_positions(x, keepdims=False):
    """The mean of a feature map over the positions of its valid part.

    Args:
        x: Tensor `(B, H, W, C)`.
        keepdims: Boolean. Whether to keep height and width as axes of length 1.

    Returns:
        Tensor `(B, C)`, or `(B, 1, 1, C)` with `keepdims=True`.
    """
    if not is_padded():
        return ops.mean(x, axis=(1, 2), keepdims=keepdims)
    height, width = valid_size(x.shape[1:3])
    dtype = keras.backend.result_type(x.dtype, "float32")  # a sum may be large
    total = ops.cast(mask_padding(x), dtype)
    total = ops.sum(total, axis=(1, 2), keepdims=keepdims)
    return ops.cast(total / ops.cast(height * width, dtype), x.dtype)
