"""The results of `keras.Model`, with fewer tensors in memory at once."""

import weakref

import keras
import numpy as np
from random_weights import random_array

from keras_seg.keras_internals.low_memory_model import LowMemoryModel

RESULTS, COUNTS = [], []


class Living(keras.layers.Layer):
    """Adds 1, and records how many of the results so far are still in memory."""

    def call(self, inputs):
        COUNTS.append(sum(result() is not None for result in RESULTS))
        output = inputs + 1
        RESULTS.append(weakref.ref(output))
        return output

    def compute_output_shape(self, input_shape):
        return input_shape


def test_tensors_are_freed_after_their_last_use():
    inputs = keras.Input((4,))
    skipped = x = Living()(inputs)
    for _ in range(4):
        x = Living()(x)
    outputs = {"sum": x + skipped, "same": x, "input": inputs}
    images = random_array(2, 4)
    seen = {}
    for model_class in (keras.Model, LowMemoryModel):
        model = model_class(inputs, outputs)
        RESULTS.clear()
        COUNTS.clear()
        seen[model_class] = model(images)
        seen[model_class, "counts"] = list(COUNTS)
    assert seen[keras.Model, "counts"] == [0, 1, 2, 3, 4]
    assert seen[LowMemoryModel, "counts"] == [0, 1, 2, 2, 2]
    for name, expected in seen[keras.Model].items():
        pair = (expected, seen[LowMemoryModel][name])
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, pair))
