"""Building networks without drawing weights that a file will replace."""

import contextlib
import threading

import keras
import numpy as np

INITIALIZERS = (
    keras.initializers.RandomNormal,
    keras.initializers.RandomUniform,
    keras.initializers.TruncatedNormal,
    keras.initializers.VarianceScaling,  # and so Glorot, He and LeCun
)
LOCK = threading.RLock()


@contextlib.contextmanager
def without_random_weights():
    """Context in which the layers that this thread builds are initialised with zeros.

    Keras draws random weights for each new layer, also if they are about to be loaded.
    On JAX each new shape of random numbers is compiled: loading `ecenet/camvid` on two
    cores took 36 seconds, 30 of them for this, and takes 4 without.

    Keras has no public switch for it, so the random initializers are patched while the
    context is active. Other threads still get random weights; a second thread that
    enters the context waits for the first one. Seen to work with Keras 3.15.1.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.without_random_weights import without_random_weights

    with without_random_weights():
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
    print(keras.ops.convert_to_numpy(layer.kernel).max())  # 0.0
    ```
    """
    owner = threading.get_ident()
    with LOCK:
        originals = [initializer.__call__ for initializer in INITIALIZERS]
        try:
            for initializer, original in zip(INITIALIZERS, originals, strict=True):
                initializer.__call__ = _zeros_for(owner, original)
            yield
        finally:
            for initializer, original in zip(INITIALIZERS, originals, strict=True):
                initializer.__call__ = original


def _zeros_for(owner, original):
    def call(self, shape, dtype=None):
        if threading.get_ident() != owner:
            return original(self, shape, dtype)
        zeros = np.zeros(shape, "float32")  # nothing to compile
        return keras.ops.convert_to_tensor(zeros, dtype or keras.config.floatx())

    return call
