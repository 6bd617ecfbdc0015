"""Faster forms of some operations of Keras, for the backends where they are slow.

The layers that need them are inside networks of `keras.applications` and keras-hub as
well. A subclass of such a layer would change the names in saved files, and a changed
layer would change other models that share it. So the function that all these layers
call, of the backend or of their class, is replaced once by one that looks whether it is
called inside the context `faster_operations`, and calls the original function if not.
Our models and our layers of sublayers enter the context whenever they are called or
traced: nothing else is affected.

Keras has no public way to choose how a backend computes an operation. The names of the
functions of backends are private; seen to work with Keras 3.15.1. See
`docs/upstream.md` for what is slow, and how much.
"""

import contextlib
import contextvars
import functools
import threading

import keras

from keras_seg.keras_internals.bilinear_by_gathers import (
    can_gather,
    resize_by_gathers,
)
from keras_seg.keras_internals.depthwise_by_shifts import (
    can_shift,
    depthwise_by_shifts,
)
from keras_seg.keras_internals.fused_batch_norm import can_fuse, fused_batch_norm

_active = contextvars.ContextVar("faster_operations", default=False)
_lock = threading.Lock()
_installed = []


@contextlib.contextmanager
def faster_operations():
    """Context in which slow operations of a backend are computed in another way.

    Results are equal up to rounding. It can also decorate a function. What is traced
    inside the context stays fast when it is differentiated outside of it.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.faster_operations import faster_operations

    layer = keras.layers.DepthwiseConv2D(3)
    with faster_operations():
        print(layer(keras.ops.ones((1, 5, 5, 2))).shape)  # (1, 3, 3, 2)
    ```
    """
    _install()
    token = _active.set(True)
    try:
        yield
    finally:
        _active.reset(token)


def resize_image(x, size):
    """Bilinear `keras.ops.image.resize`, by gathers where that is faster.

    Unlike the other operations it is chosen also outside the context, as our layers and
    losses call it themselves.

    Args:
        x: Tensor of shape `(B, H, W, C)`, of a floating point type.
        size: Pair `(height, width)` of integers.

    Returns:
        Tensor of shape `(B, height, width, C)`.
    """
    is_jax = keras.config.backend() == "jax" and keras.ops.is_tensor(x)
    if is_jax and _jax_computes_on_cpu() and can_gather(x.shape, size):
        return resize_by_gathers(x, size)
    return keras.ops.image.resize(x, size)


def _install():
    """Replaces the functions of the backend, at the first call."""
    with _lock:
        if not _installed:
            for owner, name, replacement in REPLACEMENTS[keras.config.backend()]:
                _replace(owner, name, replacement)
            _installed.append(True)


def _replace(owner, name, replacement):
    original = getattr(owner, name)

    @functools.wraps(original)
    def function(*args, **kwargs):
        if _active.get():
            return replacement(original, *args, **kwargs)
        return original(*args, **kwargs)

    setattr(owner, name, function)


def _depthwise_conv_of_jax(
    original,
    inputs,
    kernel,
    strides=1,
    padding="valid",
    data_format=None,
    dilation_rate=1,
):
    inputs, kernel = map(keras.ops.convert_to_tensor, (inputs, kernel))
    data_format = data_format or keras.config.image_data_format()
    if not _jax_computes_on_cpu() or not can_shift(
        inputs, kernel, padding, data_format
    ):
        return original(inputs, kernel, strides, padding, data_format, dilation_rate)
    return depthwise_by_shifts(
        inputs, kernel, _pair(strides), padding, _pair(dilation_rate)
    )


def _jax_computes_on_cpu():
    import jax

    device = jax.config.jax_default_device
    if device is None:
        return jax.default_backend() == "cpu"
    return getattr(device, "platform", device) == "cpu"


def _batch_norm_of_tensorflow(original, layer, inputs, training=None, mask=None):
    if can_fuse(layer, inputs, mask):
        return fused_batch_norm(layer, inputs, training)
    return original(layer, inputs, training=training, mask=mask)


def _channels_first_of_torch(original, inputs):
    """The view `(B, C, H, W)` of a map, without a copy.

    Keras copies it to contiguous memory, and its convolution then copies it back to the
    order of the memory that it had before. A view has that order for torch.
    """
    return inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else original(inputs)


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


_NN, _Norm = keras.src.backend.nn, keras.layers.BatchNormalization
REPLACEMENTS = {
    "jax": [(_NN, "depthwise_conv", _depthwise_conv_of_jax)],
    "tensorflow": [(_Norm, "call", _batch_norm_of_tensorflow)],
    "torch": [(_NN, "_transpose_spatial_inputs", _channels_first_of_torch)],
}
