"""The gradient of a function of tensors, on each backend."""

import keras
import numpy as np


def gradients(function, arrays, weights):
    """The gradients of `sum(function(*arrays) * weights)`, one for each array.

    Returns:
        The output of the function and the list of gradients, as NumPy arrays.
    """
    outputs, found = FUNCTIONS[keras.config.backend()](function, arrays, weights)
    return _numpy(outputs), [_numpy(x) for x in found]


def _numpy(x):
    return np.asarray(keras.ops.convert_to_numpy(x))


def _with_jax(function, arrays, weights):
    import jax

    outputs, transpose = jax.vjp(jax.jit(function), *map(jax.numpy.asarray, arrays))
    return outputs, transpose(jax.numpy.asarray(weights))


def _with_tensorflow(function, arrays, weights):
    import tensorflow

    tensors = [tensorflow.constant(x) for x in arrays]
    with tensorflow.GradientTape() as tape:
        tape.watch(tensors)
        outputs = function(*tensors)
    return outputs, tape.gradient(outputs, tensors, tensorflow.constant(weights))


def _with_torch(function, arrays, weights):
    import torch

    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    outputs = function(*tensors)
    return outputs.detach(), torch.autograd.grad(
        outputs, tensors, torch.tensor(weights)
    )


FUNCTIONS = {"jax": _with_jax, "tensorflow": _with_tensorflow, "torch": _with_torch}
