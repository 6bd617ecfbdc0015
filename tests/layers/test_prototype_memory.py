"""How the memory is initialised and what updates it."""

import json

import keras
import numpy as np
import numpy_reference as reference
import pytest
from keras import ops
from random_weights import random_array

from keras_seg import layers, optimizers


def schedule():
    return optimizers.PolynomialDecay(0.5, 3, 0.1, power=0.9)


def momentum_at(step):
    """The decay of the paper, from 0.5 to 0.1 over three steps."""
    return 0.4 * (1 - min(step, 3) / 3) ** 0.9 + 0.1


def built(**kwargs):
    layer = layers.PrototypeMemory(**kwargs)
    layer.build((None, 5, 8))
    return layer


def memory_of(layer):
    return ops.convert_to_numpy(layer.memory).astype("float64")


def test_random_vectors_of_length_one_that_differ():
    memory = memory_of(built())
    np.testing.assert_allclose(np.linalg.norm(memory, axis=-1), 1, rtol=1e-5)
    assert np.abs(memory @ memory.T - np.eye(5)).max() < 0.999
    assert np.abs(memory_of(built()) - memory).max() > 0.01


def test_starts_from_an_array():
    array = random_array(5, 8) * 7
    expected = array / np.linalg.norm(array, axis=-1, keepdims=True)
    np.testing.assert_allclose(
        memory_of(built(initial_memory=array.tolist())), expected, atol=1e-6
    )
    array[2] = 0  # no direction, and no NaN
    assert np.isfinite(memory_of(built(initial_memory=array))).all()


def test_trains_only_in_training_and_unless_frozen():
    layer, x = built(), random_array(2, 5, 8)
    before = memory_of(layer)
    layer(x)
    layer(x, training=False)
    layer.trainable = False
    layer(x, training=True)
    np.testing.assert_array_equal(memory_of(layer), before)
    layer.trainable = True
    layer(x, training=True)
    assert np.abs(memory_of(layer) - before).max() > 0.01
    assert not layer.trainable_variables


def test_the_momentum_decays_over_the_steps_and_counts_on_after_loading(tmp_path):
    layer = built(momentum=schedule())
    expected = memory_of(layer)
    for step in range(5):
        x = random_array(2, 5, 8, seed=step)
        momentum = momentum_at(step)
        blended, expected = reference.prototype_memory(x, expected, momentum)
        layer(x)  # inference does not count
        y = ops.convert_to_numpy(layer(x, training=True))
        np.testing.assert_allclose(y, blended, atol=1e-5)
        np.testing.assert_allclose(memory_of(layer), expected, atol=1e-5)
        if step == 1:
            inputs = keras.Input((5, 8))
            model = keras.Model(inputs, layer(inputs))
            model.save(tmp_path / "model.keras")
            layer = keras.saving.load_model(tmp_path / "model.keras").layers[-1]


def test_a_schedule_survives_json():
    layer = layers.PrototypeMemory(schedule())
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config()
    assert again.momentum.get_config() == schedule().get_config()


def test_small_steps_count_in_mixed_precision():
    layer = built(momentum=0.001, dtype="mixed_bfloat16")
    x, expected = random_array(2, 5, 8), memory_of(layer)
    for _ in range(20):
        assert layer(x, training=True).dtype == layer(x).dtype
        rounded = ops.convert_to_numpy(ops.cast(ops.cast(x, "bfloat16"), "float32"))
        _, expected = reference.prototype_memory(rounded, expected, 0.001)
    np.testing.assert_allclose(memory_of(layer), expected, atol=1e-4)
    assert np.linalg.norm(expected, axis=-1).min() < 0.999


@pytest.mark.parametrize("momentum", [0.1, schedule()])
def test_compiled_training_is_the_eager_one(momentum):
    """And the gradient is that of the blend: the memory is a constant."""
    inputs = keras.Input((5, 8))
    layer = layers.PrototypeMemory(momentum)
    scale = keras.layers.EinsumDense("bkc,c->bkc", (5, 8), name="scale")
    model = keras.Model(inputs, layer(scale(inputs)))
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    weight = ops.convert_to_numpy(scale.kernel).astype("float64")
    memory, x = memory_of(layer), random_array(4, 5, 8)
    rate = momentum_at(0) if callable(momentum) else momentum
    blended, expected = reference.prototype_memory(x * weight, memory, rate)
    gradient = (2 * blended * (1 - rate) * x).sum(axis=(0, 1)) / x.size
    model.fit(x, np.zeros_like(x), batch_size=4, verbose=0)
    np.testing.assert_allclose(memory_of(layer), expected, atol=1e-5)
    np.testing.assert_allclose(
        ops.convert_to_numpy(scale.kernel), weight - 0.1 * gradient, atol=1e-5
    )
    model.evaluate(x, np.zeros_like(x), verbose=0)
    model.predict(x, verbose=0)
    np.testing.assert_allclose(memory_of(layer), expected, atol=1e-5)


@pytest.mark.parametrize("momentum", [-0.1, 1.5])
def test_momentum_out_of_range(momentum):
    with pytest.raises(ValueError, match=f"between 0 and 1.*momentum={momentum}"):
        layers.PrototypeMemory(momentum)


@pytest.mark.parametrize("shape", [(None, None, 8), (None, 8)])
def test_shape_of_the_input(shape):
    with pytest.raises(ValueError, match=r"expects prototypes of shape \(B, K, C\)"):
        layers.PrototypeMemory().build(shape)


def test_shape_of_the_array():
    with pytest.raises(ValueError, match=r"shape \(5, 9\), expected \(5, 8\)"):
        built(initial_memory=np.zeros((5, 9)))


def test_one_array_for_each_memory_of_a_head():
    arrays = random_array(2, 3, 8)
    shapes = [(None, 8, 8, 4), (None, 4, 4, 4), (None, 2, 2, 4)]
    for given in (arrays, arrays[0]):
        head = layers.CPTHead(3, 8, 2, initial_memory=given)
        head.build(shapes)
        for i, update in enumerate(head.updates):
            array = arrays[i if given is arrays else 0]
            expected = array / np.linalg.norm(array, axis=-1, keepdims=True)
            memory = memory_of(update.memory)
            np.testing.assert_allclose(memory, expected, atol=1e-6)
    with pytest.raises(ValueError, match="there are 1 memories"):
        layers.CPTHead(3, 8, 2, initial_memory=arrays).build(shapes[:2])
