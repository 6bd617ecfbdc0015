"""For networks whose weights are read from a file as soon as they are built."""

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
    """Layers that this thread builds meanwhile begin with zeros in place of chance.

    Keras draws the first weights of every layer, also of one that is about to be
    loaded, and on JAX each new shape of random numbers is compiled: `ecenet/camvid`
    took 36 seconds to load on two cores, 30 of them for that, and takes 4 without.
    Other threads draw as ever; one that comes here as well waits.
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
        zeros = np.zeros(shape, "float32")  # made without compiling anything
        return keras.ops.convert_to_tensor(zeros, dtype or keras.config.floatx())

    return call
