"""A model inside another model returns only logits, and warns about lost losses."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_backbone import TinyBackbone

import keras_seg


def make(name):
    if name == "ECENet":
        return keras_seg.ECENet(TinyBackbone(2), 3, hidden_dim=8, num_heads=2)
    if name == "CPT":
        return keras_seg.CPT(TinyBackbone(2), 3, hidden_dim=8, num_heads=2, pool_dim=4)
    return keras_seg.SGR(
        TinyBackbone(2),
        3,
        hidden_dim=8,
        dilation_rates=[1, 2],
        reasoner={"num_regions": 4, "depth": 1},
        min_component_area=1,
    )


class Outer(keras.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.bias = keras.layers.Conv2D(3, 1)

    def call(self, inputs, training=None):
        return self.bias(self.inner(inputs, training=training))


def functional(inner):
    images = keras.Input((None, None, 3))
    return keras.Model(images, keras.layers.Conv2D(3, 1)(inner(images)))


def data():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 16, 16, 3)).astype("float32")
    return images, rng.integers(0, 3, (2, 16, 16), "int32")


@pytest.mark.parametrize("name", ["ECENet", "CPT", "SGR"])
def test_inside_a_functional_model(name):
    inner = make(name)
    with pytest.warns(UserWarning, match=r"auxiliary losses .*_loss.* are not"):
        train(functional(inner), inner)
    assert ops.shape(inner(data()[0], training=True)) == (2, 16, 16, 3)


def test_inside_a_subclass_and_alone():
    """Its own training has the auxiliary losses, also after that of another model."""
    inner = make("SGR")
    train(Outer(inner), inner)
    history = inner.fit(*data(), verbose=0).history
    assert set(inner.auxiliary_loss_names) <= set(history)


def train(outer, inner):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    outer.compile(keras.optimizers.SGD(0.01), loss)
    before = [ops.convert_to_numpy(v).copy() for v in inner.trainable_variables]
    history = outer.fit(*data(), verbose=0).history
    assert set(history) == {"loss"} and np.isfinite(history["loss"]).all()
    after = [ops.convert_to_numpy(v) for v in inner.trainable_variables]
    assert any(np.abs(a - b).max() > 0 for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize("name", ["ECENet", "SGR"])
def test_auxiliary_losses_in_a_custom_loop(name):
    model = make(name)
    model.head.spatial_dropout.rate = 0.0
    images, labels = data()
    packed = labels
    if name == "SGR":
        packed = keras_seg.data.pack_components(labels, min_area=1)
    outputs = model.training_outputs(images)
    total = float(ops.convert_to_numpy(model.auxiliary_loss(packed, outputs)))
    names = model.auxiliary_loss_names
    parts = model.auxiliary_losses(*_parts(model, packed, outputs))
    expected = sum(float(ops.convert_to_numpy(w * v)) for w, v in parts.values())
    assert set(parts) == set(names)
    assert total == pytest.approx(expected, rel=1e-5) and total > 0


def _parts(model, packed, outputs):
    labels, others = model.split_labels(packed)
    return labels, {**outputs, **others}
