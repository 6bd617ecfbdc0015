"""A limit on the weights that a network creates, checked before each is created."""

import contextlib
import math
import threading

import keras

MAX_VARIABLES = 50_000
LOCK = threading.RLock()


@contextlib.contextmanager
def limit_weights(most):
    """Raises before this thread creates more weights than a limit allows.

    Keras has no public hook for the creation of variables. Other threads create as
    many as they like; one that enters this context as well waits.

    Args:
        most: Integer. Number of values that all new variables may hold together.

    Raises:
        ValueError: If a layer asks for more, before the memory is allocated.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.limit_weights import limit_weights

    try:
        with limit_weights(1_000):
            keras.layers.Dense(10_000).build((None, 10_000))
    except ValueError as error:
        print(error)
    ```
    """
    owner, values, variables = threading.get_ident(), 0, 0

    def init(self, initializer, shape=None, *args, **kwargs):
        nonlocal values, variables
        if threading.get_ident() == owner and shape is not None:
            values, variables = values + math.prod(shape), variables + 1
            if values > most or variables > MAX_VARIABLES:
                raise ValueError(
                    f"the network would hold more than {most:,} weights or "
                    f"{MAX_VARIABLES:,} variables; the last one asked for has the "
                    f"shape {tuple(shape)}"
                )
        original(self, initializer, shape, *args, **kwargs)

    with LOCK:
        original = keras.Variable.__init__
        keras.Variable.__init__ = init
        try:
            yield
        finally:
            keras.Variable.__init__ = original
