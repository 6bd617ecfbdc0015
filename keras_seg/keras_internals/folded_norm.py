"""A convolution and the batch normalisation after it as one convolution.

In inference a batch normalisation is a product and a sum for each channel, which the
kernel and the bias of the convolution before it can take over. On torch and TensorFlow
each is a pass over the whole map; TensorFlow also joins a convolution with the sum and
the ReLU after it. On JAX, XLA joins the operations by itself: folding gains nothing.

The folded kernel is computed anew at each call, from the current weights, so it is
never out of date. That takes far less time than one pass over a map.
"""

import contextlib
import contextvars

import keras
from keras import ops

_separate = contextvars.ContextVar("separate_norms", default=False)
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


@contextlib.contextmanager
def separate_norms():
    """Context in which Keras computes batch normalisation, apart from convolutions.

    Weights that are stored in half precision lose less if kernels are not multiplied
    with the scales of their channels before.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.folded_norm import can_fold, separate_norms

    layers = keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()
    with separate_norms():
        print(can_fold(*layers, keras.ops.ones((1, 5, 5, 2)), False))  # False
    ```
    """
    token = _separate.set(True)
    try:
        yield
    finally:
        _separate.reset(token)


def are_norms_separate():
    """Whether the caller is inside the context `separate_norms`."""
    return _separate.get()


def normalized(convolution, norm, x, training=None):
    """`norm(convolution(x), training=training)`, as one convolution where possible.

    Args:
        convolution, norm: Built layers, a convolution and a batch normalisation.
        x: Tensor of shape `(B, H, W, C)`.
        training: Boolean or `None`.
    """
    if can_fold(convolution, norm, x, training):
        return folded_norm(convolution, norm, x)
    return norm(convolution(x), training=training)


def can_fold(convolution, norm, x, training):
    """Whether `folded_norm` can stand for `norm(convolution(x))`.

    Args:
        convolution, norm: Built layers.
        x: Tensor of shape `(B, H, W, C)`. A symbolic one is left to the layers.
        training: Boolean or `None`, argument of the call of `norm`.
    """
    return (
        keras.config.backend() in FOLDS
        and not are_norms_separate()
        and not isinstance(x, keras.KerasTensor)
        and not (training and norm.trainable)
        and type(convolution) in CONVOLUTIONS
        and type(norm) is keras.layers.BatchNormalization
        and convolution.data_format == "channels_last"
        and convolution.activation in (None, keras.activations.linear)
        and convolution.activity_regularizer is None
        and norm.activity_regularizer is None
        and norm.axis in (-1, 3)
        and not norm.renorm
        # In half precision Keras normalises in float32.
        and convolution.dtype_policy.name == norm.dtype_policy.name == "float32"
        and convolution.built
        and norm.built
    )


def folded_norm(convolution, norm, x):
    """Batch normalisation of a convolution, in inference mode.

    Args:
        convolution, norm: Layers for which `can_fold` is true.
        x: Tensor of shape `(B, H, W, C)`.

    Returns:
        Tensor, `norm(convolution(x), training=False)` up to rounding.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.folded_norm import can_fold, folded_norm

    convolution = keras.layers.Conv2D(4, 3)
    norm = keras.layers.BatchNormalization()
    x = keras.ops.ones((1, 5, 5, 2))
    norm(convolution(x))
    if can_fold(convolution, norm, x, training=False):
        print(folded_norm(convolution, norm, x).shape)  # (1, 3, 3, 4)
    ```
    """
    scale = ops.rsqrt(ops.add(norm.moving_variance, norm.epsilon))
    if norm.scale:
        scale = scale * norm.gamma
    bias = -ops.multiply(norm.moving_mean, scale)
    if convolution.use_bias:
        bias = bias + convolution.bias * scale
    if norm.center:
        bias = bias + norm.beta
    kernel = ops.convert_to_tensor(convolution.kernel)
    if isinstance(convolution, keras.layers.DepthwiseConv2D):
        scale = ops.reshape(scale, kernel.shape[2:])  # (C, M)
    function = FOLDS[keras.config.backend()]
    return function(convolution, ops.convert_to_tensor(x), kernel * scale, bias)


def _convolution_of_tensorflow(convolution, x, kernel, bias):
    """A convolution, and a sum that TensorFlow joins with it because it is a bias."""
    import tensorflow as tf

    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    y = (ops.depthwise_conv if depthwise else ops.conv)(
        x,
        kernel,
        strides=convolution.strides,
        padding=convolution.padding,
        data_format="channels_last",
        dilation_rate=convolution.dilation_rate,
    )
    return tf.nn.bias_add(y, bias)


def _convolution_of_torch(convolution, x, kernel, bias):
    """A convolution of torch that adds the bias itself, without a pass of its own."""
    import torch

    nn = keras.src.backend.nn
    strides, padding = convolution.strides, convolution.padding
    dilation, groups = convolution.dilation_rate, x.shape[-1] // kernel.shape[2]
    if isinstance(convolution, keras.layers.DepthwiseConv2D):
        groups = x.shape[-1]
        # (h, w, C, M) to (h, w, 1, C * M)
        kernel = ops.reshape(kernel, (*kernel.shape[:2], 1, -1))
    x = x.permute(0, 3, 1, 2)  # (B, C, H, W), a view
    kernel = kernel.permute(3, 2, 0, 1)  # (D, C / groups, h, w)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    pad = 0
    if padding == "same":
        x, pad = nn._apply_same_padding(
            x, kernel.shape[2:], strides, "channels_last", "conv", dilation
        )
    y = torch.nn.functional.conv2d(x, kernel, bias, strides, pad, dilation, groups)
    return y.permute(0, 2, 3, 1)  # (B, H', W', D)


FOLDS = {
    "tensorflow": _convolution_of_tensorflow,
    "torch": _convolution_of_torch,
}
