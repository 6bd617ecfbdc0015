"""Training that computes intermediate results again has the same results."""

import keras
import numpy as np
import pytest
from keras import ops
from model_harness import scene

import keras_seg
from keras_seg.keras_internals import rematerialization as module
from keras_seg.keras_internals.low_memory_model import LowMemoryModel
from keras_seg.keras_internals.rematerialization import (
    can_rematerialize,
    rematerialization,
    rematerialized,
)


@pytest.fixture
def parts(monkeypatch):
    """The number of arguments of each part that `keras.remat` was given."""
    found = []

    def remat(function):
        def counted(*tensors):
            found.append(len(tensors))
            return original(function)(*tensors)

        return counted

    original = keras.remat
    monkeypatch.setattr(module.keras, "remat", remat)
    return found


def step(make, images, labels, **kwargs):
    """The loss of a training step, and by how much it changed each variable."""
    keras.utils.set_random_seed(0)
    model = make(**kwargs)
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=255
    )
    model.compile(keras.optimizers.SGD(1e-3), loss)
    before = [ops.convert_to_numpy(v).copy() for v in model.variables]
    loss = model.train_on_batch(images, labels)
    after = [ops.convert_to_numpy(v) for v in model.variables]
    return loss, [a - b for a, b in zip(after, before, strict=True)]


def mobilenet(**kwargs):
    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    return keras_seg.ECENet(
        backbone, 5, hidden_dim=16, dropout=0.0, freeze_backbone_norm=True, **kwargs
    )


def swin(**kwargs):
    backbone = keras_seg.backbones.SwinBackbone(8, (1, 1, 2, 1), (1, 1, 2, 2), 4)
    return keras_seg.CPT(backbone, 5, hidden_dim=16, dropout=0.0, **kwargs)


def network(**kwargs):
    """Residual blocks, one with statistics that change in training."""
    x = inputs = keras.Input((8, 8, 4))
    for i in range(3):
        y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        norm = keras.layers.BatchNormalization(trainable=i == 1)
        x = keras.layers.Add()([x, norm(y)])
    return LowMemoryModel(inputs, keras.layers.Conv2D(5, 1)(x))


def test_parts_of_a_network(parts):
    """Its statistics change once, as without rematerialization."""
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    labels = np.zeros((2, 8, 8), "uint8")
    loss, expected = step(network, images, labels)
    with rematerialization():
        again, actual = step(network, images, labels)
    assert len(parts) >= 2 and set(parts) == {1}  # the first and the third block
    assert again == pytest.approx(loss, rel=1e-5)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, atol=1e-6)


@pytest.mark.parametrize(("make", "least"), [(mobilenet, 10), (swin, 10)])
def test_a_step_has_the_same_results(make, least, parts):
    loss, expected = step(make, *scene())
    assert not parts
    again, actual = step(make, *scene(), rematerialize=True)
    assert len(parts) >= least
    assert again == pytest.approx(loss, rel=1e-5)
    largest = max(map(np.linalg.norm, expected))
    for a, e in zip(actual, expected, strict=True):
        atol = 1e-3 * np.linalg.norm(e) + 1e-5 * largest
        assert np.linalg.norm(a - e) <= atol


def test_nothing_changes_outside_training(parts):
    model = mobilenet(rematerialize=True)
    model.predict(scene()[0], verbose=0)
    assert not parts


def test_it_is_saved_with_the_model(tmp_path):
    model = mobilenet(rematerialize=True)
    assert type(model).from_config(model.get_config()).rematerialize
    model.save_to_preset(tmp_path / "preset")
    assert keras_seg.ECENet.from_preset(tmp_path / "preset").rematerialize


def test_a_function_inside_another_is_called_once_more_only(parts):
    def outer(x):
        return rematerialized(ops.exp, x) + 1.0

    with rematerialization():
        outputs = rematerialized(outer, ops.zeros((2,)))
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs), [2.0, 2.0])
    assert parts == [1]


@pytest.mark.no_backend
def test_layers_with_a_state():
    norm = keras.layers.BatchNormalization()
    norm.build((None, 4))
    dropout = keras.layers.Dropout(0.5)
    nested = keras.Sequential([keras.layers.Dense(2), keras.layers.Dropout(0.5)])
    nested.build((None, 4))
    for layer in (norm, dropout, nested):
        assert not can_rematerialize(layer, training=True)
        assert can_rematerialize(layer, training=False)
    norm.trainable = False
    dense = keras.layers.Dense(3, trainable=False)
    dense.build((None, 4))
    for layer in (norm, dense, keras.layers.Dropout(0.0), keras.layers.ReLU()):
        assert can_rematerialize(layer, training=True)
