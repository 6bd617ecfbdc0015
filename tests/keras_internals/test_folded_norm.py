"""A folded batch normalisation gives what the two layers give, with current weights."""

import keras
import numpy as np
import pytest
from gradients import gradients
from random_weights import random_array, set_random_weights

from keras_seg.keras_internals import folded_norm as module
from keras_seg.keras_internals.folded_norm import can_fold, normalized, separate_norms
from keras_seg.keras_internals.low_memory_model import LowMemoryModel

FOLDS = keras.config.backend() in ("tensorflow", "torch")
Conv2D, Depthwise = keras.layers.Conv2D, keras.layers.DepthwiseConv2D
LAYERS = {
    "1x1": lambda: Conv2D(5, 1),
    "strides": lambda: Conv2D(4, 3, strides=2, padding="same", use_bias=False),
    "dilation": lambda: Conv2D(4, (3, 2), dilation_rate=2),
    "groups": lambda: Conv2D(6, 3, groups=2, padding="same"),
    "depthwise": lambda: Depthwise(3, strides=2, padding="same"),
    "multiplier": lambda: Depthwise((2, 3), depth_multiplier=2, use_bias=False),
}
NORMS = {
    "norm": {},
    "no scale": {"scale": False, "epsilon": 0.1},
    "no centre": {"center": False},
}


def pair(layer, norm=None):
    layers = LAYERS[layer](), keras.layers.BatchNormalization(**(norm or {}))
    layers[1](layers[0](random_array(2, 8, 9, 4)))
    for seed, x in enumerate(layers):
        set_random_weights(x, seed=seed)
    layers[1].moving_variance.assign(1 + layers[1].moving_variance ** 2)
    return layers


def plain(layers, x):
    return keras.ops.convert_to_numpy(layers[1](layers[0](x), training=False))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layer", LAYERS)
def test_values_follow_the_weights(layer, norm):
    layers, x = pair(layer, NORMS[norm]), random_array(2, 8, 9, 4)
    assert can_fold(*layers, x, training=False) == FOLDS
    before = keras.ops.convert_to_numpy(normalized(*layers, x, training=False))
    np.testing.assert_allclose(before, plain(layers, x), rtol=1e-5, atol=1e-5)
    for variable in layers[0].variables + layers[1].variables:
        variable.assign(variable * 1.5)
    after = keras.ops.convert_to_numpy(normalized(*layers, x, training=False))
    np.testing.assert_allclose(after, plain(layers, x), rtol=1e-5, atol=1e-5)
    assert np.abs(after - before).max() > 0.1


def test_training_uses_the_batch_unless_the_layer_is_frozen():
    layers, x = pair("1x1"), random_array(2, 8, 9, 4)
    assert not can_fold(*layers, x, training=True)
    mean = keras.ops.convert_to_numpy(normalized(*layers, x, training=True)).mean()
    assert abs(mean - keras.ops.convert_to_numpy(layers[1].beta).mean()) < 1e-4
    layers[1].trainable = False
    assert can_fold(*layers, x, training=True) == FOLDS


def test_norms_may_stay_separate():
    layers, x = pair("1x1"), random_array(2, 8, 9, 4)
    with separate_norms():
        assert not can_fold(*layers, x, training=False)
    assert can_fold(*layers, x, training=False) == FOLDS


def test_gradients_of_the_input():
    layers, x = pair("strides"), random_array(2, 8, 9, 4)
    weights = random_array(*plain(layers, x).shape)
    _, found = gradients(lambda x: normalized(*layers, x, False), [x], weights)
    _, expected = gradients(
        lambda x: layers[1](layers[0](x), training=False), [x], weights
    )
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layer,norm",
    [
        (Conv2D(4, 1, activation="relu"), keras.layers.BatchNormalization()),
        (Conv2D(4, 1), keras.layers.BatchNormalization(axis=1)),
        (Conv2D(4, 1, activity_regularizer="l2"), keras.layers.BatchNormalization()),
        (keras.layers.SeparableConv2D(4, 1), keras.layers.BatchNormalization()),
        (Conv2D(4, 1), keras.layers.LayerNormalization()),
        (Conv2D(4, 1, dtype="mixed_bfloat16"), keras.layers.BatchNormalization()),
    ],
)
def test_others_are_not_folded(layer, norm):
    x = random_array(2, 8, 9, 4)
    norm(layer(x))
    assert not can_fold(layer, norm, x, training=False)


def test_symbolic_tensors_go_through_the_layers():
    layers = pair("1x1")
    inputs = keras.Input((None, None, 4))
    assert normalized(*layers, inputs).shape == (None, None, None, 5)
    low = LowMemoryModel(inputs, layers[1](layers[0](inputs)))
    assert low.compute_output_shape((1, 6, 7, 4)) == (1, 6, 7, 5)


def test_a_network_folds_what_only_a_norm_takes(monkeypatch):
    folded = []
    original = module.folded_norm
    monkeypatch.setattr(
        "keras_seg.keras_internals.low_memory_model.folded_norm",
        lambda layer, norm, x: folded.append(layer.name) or original(layer, norm, x),
    )
    inputs = keras.Input((None, None, 4))
    norm = keras.layers.BatchNormalization
    x = norm()(Conv2D(4, 3, name="alone")(inputs))
    shared = Conv2D(4, 3, name="shared")(x)
    output = Conv2D(4, 1, name="output")(norm()(shared) + shared)
    outputs = [norm()(output), output, norm()(Depthwise(3, name="last")(output))]
    low, usual = LowMemoryModel(inputs, outputs), keras.Model(inputs, outputs)
    set_random_weights(usual, seed=0)
    for layer in usual.layers:
        if isinstance(layer, norm):
            layer.moving_variance.assign(1 + layer.moving_variance**2)
    x = random_array(1, 9, 9, 4)
    for training in (False, None):
        folded.clear()
        for y, z in zip(low(x, training=training), usual(x), strict=True):
            y, z = map(keras.ops.convert_to_numpy, (y, z))
            np.testing.assert_allclose(y, z, rtol=1e-5, atol=1e-5)
        assert folded == (["alone", "last"] if FOLDS else [])
    folded.clear()
    low(x, training=True)
    assert folded == []
