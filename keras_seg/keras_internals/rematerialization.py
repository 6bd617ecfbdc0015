"""Parts of a network whose intermediate results are computed again for the gradient.

`keras.remat` does it for a function, and differs in what it must not be given: a layer
that changes a variable would change it twice, and one that draws random numbers would
draw others the second time. `can_rematerialize` tells such layers. On TensorFlow and
torch the second computation also runs outside the context managers of the first one,
so `rematerialized` takes their state along. `keras.RematScope` has neither, and fails
on TensorFlow for layers that are called with keyword arguments. Seen to work with Keras
3.15.1.
"""

import contextlib
import contextvars

import keras

from keras_seg.keras_internals.layer_graph import sublayers

_active = contextvars.ContextVar("rematerialization", default=False)


@contextlib.contextmanager
def rematerialization(active=True):
    """Context in which `rematerialized` computes intermediate results again.

    Args:
        active: Boolean. `False` leaves everything as it is outside of the context.
    """
    token = _active.set(bool(active))
    try:
        yield
    finally:
        _active.reset(token)


def is_rematerializing():
    """Whether the code runs inside an active `rematerialization` context."""
    return _active.get()


def rematerialized(function, *tensors):
    """The value of `function(*tensors)`, without keeping what it computes on the way.

    Outside the context `rematerialization` it is a plain call. Inside, only the
    arguments and the results are kept in training, and the gradient calls the function
    once more.

    Args:
        function: Function of tensors that returns a tensor, or a list of tensors. It
            changes no variable and draws no random numbers.
        *tensors: Its arguments.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.rematerialization import (
        rematerialization,
        rematerialized,
    )

    with rematerialization():
        print(rematerialized(keras.ops.exp, keras.ops.zeros((2,))).shape)  # (2,)
    ```
    """
    if not _active.get() or any(isinstance(x, keras.KerasTensor) for x in tensors):
        return function(*tensors)
    with rematerialization(False):  # what is inside is computed again anyway
        context = contextvars.copy_context()

    def in_same_context(*tensors):
        return context.copy().run(function, *tensors)

    return keras.remat(in_same_context)(*tensors)


def can_rematerialize(layer, training):
    """Whether a layer neither changes a variable nor draws random numbers.

    Args:
        layer: Built layer.
        training: Boolean or `None`. The argument that the layer is called with.
    """
    return not training or not any(map(_has_state, [layer, *sublayers(layer)]))


def _has_state(layer):
    if isinstance(layer, keras.layers.BatchNormalization):
        return layer.trainable
    # Only layers that use random numbers have the variable of a generator.
    return any("seed_generator" in variable.path for variable in layer.variables)
