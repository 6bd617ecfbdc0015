"""Depthwise convolution as a sum of shifted products, for JAX on a CPU.

XLA computes a depthwise convolution on a CPU as a general grouped convolution. A sum of
shifted inputs times one weight of each channel is fused into one loop, and is 6 to 34
times faster. Its automatic gradient reads the input once for each weight, so the
gradient of the kernel is computed here row by row.
"""

import functools

# The sum has one term for each weight of a channel, and the time to compile it grows
# with their number: 0.6 s for 3 x 3, 2.5 s for 7 x 7.
MAX_KERNEL_SIZE = 49


def can_shift(inputs, kernel, padding, data_format):
    """Whether `depthwise_by_shifts` takes these arguments.

    Args:
        inputs: Array of shape `(B, H, W, C)`.
        kernel: Array of shape `(h, w, C, M)`.
        padding: String, `"same"` or `"valid"`.
        data_format: String.
    """
    return (
        data_format == "channels_last"
        and padding in ("same", "valid")
        and inputs.ndim == kernel.ndim == 4
        and inputs.shape[3] == kernel.shape[2]
        and kernel.shape[0] * kernel.shape[1] <= MAX_KERNEL_SIZE
    )


def depthwise_by_shifts(inputs, kernel, strides, padding, dilation_rate):
    """Depthwise convolution, equal to `keras.ops.depthwise_conv` up to rounding.

    Args:
        inputs: JAX array of shape `(B, H, W, C)`.
        kernel: JAX array of shape `(h, w, C, M)`.
        strides, dilation_rate: Pairs of integers.
        padding: String, `"same"` or `"valid"`.

    Returns:
        JAX array of shape `(B, H', W', C * M)`.

    Raises:
        ValueError: If the input is smaller than the kernel and is not padded.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.keras_internals.depthwise_by_shifts import depthwise_by_shifts

    if keras.config.backend() == "jax":
        x, kernel = np.ones((1, 5, 7, 8), "float32"), np.ones((3, 3, 8, 1), "float32")
        y = depthwise_by_shifts(x, kernel, (2, 2), "same", (1, 1))
        print(y.shape)  # (1, 3, 4, 8)
    ```
    """
    import jax.numpy as jnp

    dtype = jnp.result_type(inputs, kernel)
    # Sums of half precision are accumulated in float32, as in a convolution.
    wide = jnp.promote_types(dtype, jnp.float32)
    multiplier = kernel.shape[3]
    kernel = jnp.reshape(kernel, (*kernel.shape[:2], -1))  # (h, w, C * M)
    inputs = jnp.repeat(inputs, multiplier, axis=-1) if multiplier > 1 else inputs
    geometry = tuple(strides), padding, tuple(dilation_rate)
    outputs = _convolution()(inputs.astype(wide), kernel.astype(wide), *geometry)
    return outputs.astype(dtype)


@functools.cache
def _convolution():
    import jax

    def backward(strides, padding, dilation, residuals, gradient):
        inputs, kernel = residuals
        geometry = strides, padding, dilation
        _, transpose = jax.vjp(lambda x: _forward(x, kernel, *geometry), inputs)
        return *transpose(gradient), _kernel_gradient(
            inputs, kernel.shape, gradient, *geometry
        )

    convolution = jax.custom_vjp(_forward, nondiff_argnums=(2, 3, 4))
    convolution.defvjp(
        lambda inputs, kernel, *geometry: (
            _forward(inputs, kernel, *geometry),
            (inputs, kernel),
        ),
        backward,
    )
    return convolution


def _forward(inputs, kernel, strides, padding, dilation):
    inputs, size = _padded(inputs, kernel.shape, strides, padding, dilation)
    rows = [
        _every(inputs, 1, i * dilation[0], size[0], strides[0])
        for i in range(kernel.shape[0])
    ]  # (B, H', W, C) each
    return sum(
        _every(row, 2, j * dilation[1], size[1], strides[1]) * kernel[i, j]
        for i, row in enumerate(rows)
        for j in range(kernel.shape[1])
    )  # (B, H', W', C)


def _kernel_gradient(inputs, kernel_shape, gradient, strides, padding, dilation):
    """The gradient of the kernel, with sums that stay in the processor's cache."""
    import jax
    from jax import numpy as jnp

    inputs, size = _padded(inputs, kernel_shape, strides, padding, dilation)
    height, width, channels = kernel_shape

    def add_row(sums, row):
        here = jax.lax.dynamic_index_in_dim(gradient, row, 1)  # (B, 1, W', C)
        terms = []
        for i in range(height):
            top = row * strides[0] + i * dilation[0]
            x = jax.lax.dynamic_index_in_dim(inputs, top, 1)  # (B, 1, W, C)
            terms += [
                _every(x, 2, j * dilation[1], size[1], strides[1]) * here
                for j in range(width)
            ]
        return [x + y for x, y in zip(sums, terms, strict=True)], None

    zeros = jnp.zeros_like(gradient[:, :1])  # (B, 1, W', C)
    sums, _ = jax.lax.scan(add_row, [zeros] * (height * width), jnp.arange(size[0]))
    sums = jnp.stack([jnp.sum(x, axis=(0, 1, 2)) for x in sums])  # (h * w, C)
    return jnp.reshape(sums, (height, width, channels))


def _padded(inputs, kernel_shape, strides, padding, dilation):
    """The padded input, and the height and width of the output."""
    from jax import lax
    from jax import numpy as jnp

    window = [(n - 1) * d + 1 for n, d in zip(kernel_shape[:2], dilation, strict=True)]
    pads = lax.padtype_to_pads(inputs.shape[1:3], window, strides, padding.upper())
    inputs = jnp.pad(inputs, ((0, 0), *pads, (0, 0)))
    size = [
        (n - w) // s + 1
        for n, w, s in zip(inputs.shape[1:3], window, strides, strict=True)
    ]
    if min(size) < 1:
        raise ValueError(
            "The input of a convolution without padding must be at least as large as "
            f"its kernel. Received: height and width {inputs.shape[1:3]}, kernel with "
            f"dilation {tuple(window)}."
        )
    return inputs, size


def _every(x, axis, start, count, stride):
    """`count` positions along an axis, from `start` on, one every `stride`."""
    from jax import lax

    return lax.slice_in_dim(x, start, start + (count - 1) * stride + 1, stride, axis)
