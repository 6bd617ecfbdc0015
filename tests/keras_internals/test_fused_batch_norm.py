"""On TensorFlow a fused batch normalisation gives what the layer of Keras gives."""

import keras
import numpy as np
import pytest
from gradients import gradients
from random_weights import random_array, set_random_weights

from keras_seg.keras_internals.faster_operations import faster_operations
from keras_seg.keras_internals.folded_norm import separate_norms
from keras_seg.keras_internals.fused_batch_norm import can_fuse
from keras_seg.keras_internals.synchronized_batch_norm import synchronized_batch_norm

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="only TensorFlow fuses"
)
Norm = keras.layers.BatchNormalization
ARGUMENTS = {
    "usual": {},
    "no scale": {"scale": False, "epsilon": 0.1},
    "no centre": {"center": False, "momentum": 0.5},
    "axis 3": {"axis": 3},
    "half": {"dtype": "mixed_bfloat16"},
}


def two_norms(channels=4, **arguments):
    """Two layers with equal weights."""
    norms = Norm(**arguments), Norm(**arguments)
    for norm in norms:
        norm.build((None, None, None, channels))
        set_random_weights(norm, seed=0)
        norm.moving_variance.assign(1 + norm.moving_variance**2)
    return norms


def results(norm, x, training, weights):
    """Output, gradients of the input and of the weights, and the statistics after."""
    parts = [v for v in (norm.gamma, norm.beta) if v is not None]

    def function(x, *values):
        with keras.StatelessScope(zip(parts, values, strict=True)):
            y = norm(x, training=training)
        return keras.ops.cast(y, "float32")

    values = [keras.ops.convert_to_numpy(v) for v in parts]
    output, found = gradients(function, [x, *values], weights)
    norm(x, training=training)
    statistics = [
        keras.ops.convert_to_numpy(v) for v in (norm.moving_mean, norm.moving_variance)
    ]
    return [output, *found, *statistics]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("size", [(2, 7, 5), (1, 1, 2)])
def test_the_same_as_the_layer(size, arguments, training):
    inside, outside = two_norms(**ARGUMENTS[arguments])
    x, weights = random_array(*size, 4), random_array(*size, 4)
    assert can_fuse(inside, keras.ops.convert_to_tensor(x))
    expected = results(outside, x, training, weights)
    with faster_operations():
        found = results(inside, x, training, weights)
    tolerance = 2e-2 if arguments == "half" else 2e-5
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_one_pixel_has_no_variance():
    inside, outside = two_norms()
    x = random_array(1, 1, 1, 4)
    expected = outside(x, training=True)
    with faster_operations():
        found = inside(x, training=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for a, b in zip(inside.variables, outside.variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_batch_of_no_images():
    norm, _ = two_norms()
    with faster_operations():
        assert norm(keras.ops.ones((0, 3, 5, 4))).shape == (0, 3, 5, 4)


def test_a_frozen_layer_keeps_its_statistics():
    norm, _ = two_norms()
    norm.trainable = False
    before = norm.get_weights()
    with faster_operations():
        norm(random_array(2, 3, 4, 4), training=True)
    for a, b in zip(before, norm.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_traced_step_has_one_operation():
    import tensorflow

    norm, _ = two_norms()

    @tensorflow.function
    def step(x):
        with faster_operations():
            return norm(x, training=True)

    spec = tensorflow.TensorSpec((None, None, None, 4), "float32")
    kinds = [op.type for op in step.get_concrete_function(spec).graph.get_operations()]
    assert kinds.count("FusedBatchNormV3") == 1
    assert not {"SquaredDifference", "Rsqrt"} & {*kinds}


def test_others_are_left_to_keras():
    class Own(Norm):
        pass

    x = keras.ops.ones((2, 3, 4, 4))
    assert not can_fuse(Own(), x)
    assert not can_fuse(Norm(axis=1), x)
    assert not can_fuse(Norm(synchronized=True), x)
    assert not can_fuse(Norm(), keras.ops.ones((2, 4)))
    assert not can_fuse(Norm(), keras.ops.ones((2, 3, 4, 4), "float64"))
    assert not can_fuse(Norm(), x, mask=keras.ops.ones((2, 3, 4), "bool"))
    with separate_norms():
        assert not can_fuse(Norm(), x)
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, Norm()(inputs))
    with synchronized_batch_norm(model):
        assert not can_fuse(model.layers[1], x)
    assert can_fuse(model.layers[1], x)
