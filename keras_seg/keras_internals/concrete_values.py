"""The values of a tensor, where it has some.

A compiled step, a symbolic build and `torch.compile` pass tensors without values, and
`keras.ops` has no function that tells them apart.
"""

import keras
import numpy as np


def concrete_values(x):
    """A tensor as an array, or `None` where a step is traced and values are unknown.

    Args:
        x: Array, list or tensor.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.concrete_values import concrete_values

    print(concrete_values(keras.ops.ones(2)))  # [1. 1.]
    print(concrete_values(keras.KerasTensor((2,))))  # None
    ```
    """
    if not keras.ops.is_tensor(x):
        return None if isinstance(x, keras.KerasTensor) else np.asarray(x)
    if _IS_TRACED[keras.config.backend()](x):
        return None
    return keras.ops.convert_to_numpy(x)


def _is_traced_by_jax(x):
    import jax

    return isinstance(x, jax.core.Tracer)


def _is_traced_by_tensorflow(x):
    import tensorflow

    return tensorflow.is_symbolic_tensor(x)


def _is_traced_by_torch(x):
    import torch

    return x.device.type == "meta" or torch.compiler.is_compiling()


_IS_TRACED = {
    "jax": _is_traced_by_jax,
    "tensorflow": _is_traced_by_tensorflow,
    "torch": _is_traced_by_torch,
}
