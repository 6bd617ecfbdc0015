"""A batch of one image is normalised with the moving statistics."""

import keras
import numpy as np
import pytest
from keras import ops
from random_weights import random_array, set_random_weights

from keras_seg import layers


def statistics(layer):
    return [ops.convert_to_numpy(v) for v in layer.norm.non_trainable_variables]


def assert_equal(actual, expected):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)


@pytest.fixture
def model():
    inputs = keras.Input((5, 7, 8))
    layer = layers.ImagePool(4, name="pool")
    model = keras.Model(inputs, layer(inputs))
    set_random_weights(model)
    return model


def test_one_image_is_normalised_as_in_inference(model):
    layer, x = model.get_layer("pool"), random_array(1, 5, 7, 8)
    before = statistics(layer)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x, training=True)),
        ops.convert_to_numpy(layer(x, training=False)),
    )
    assert_equal(statistics(layer), before)


@pytest.mark.parametrize("images", [1, 2])
def test_in_a_compiled_step(model, images):
    """There TensorFlow does not know the batch size."""
    layer, x = model.get_layer("pool"), random_array(images, 5, 7, 8)
    before, kernel = statistics(layer), ops.convert_to_numpy(layer.projection.kernel)
    expected = ops.convert_to_numpy(layer(x, training=False))
    expected_loss = float(np.square(expected).mean())
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    y = np.zeros((images, 1, 1, 4), "float32")
    loss = model.fit(x, y, batch_size=2, verbose=0).history["loss"][0]
    after = statistics(layer)
    assert np.abs(ops.convert_to_numpy(layer.projection.kernel) - kernel).max() > 0
    if images == 1:
        assert loss == pytest.approx(expected_loss, rel=1e-4)
        assert_equal(after, before)
        return
    assert loss != pytest.approx(expected_loss, rel=1e-2)
    pooled = x.mean(axis=(1, 2)) @ kernel[0, 0]
    for old, new, value in zip(
        before, after, (pooled.mean(axis=0), pooled.var(axis=0)), strict=True
    ):
        np.testing.assert_allclose(new, 0.9 * old + 0.1 * value, atol=1e-5)
