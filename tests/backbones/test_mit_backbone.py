"""MiT for images of any size equals keras-hub's on squares and a NumPy reference."""

import keras
import keras_hub
import mit_reference as reference
import numpy as np
import pytest
from backbone_checks import check_config_and_precision
from keras import ops
from random_weights import random_array, set_random_weights

import keras_seg
from keras_seg.keras_internals.mix_transformer_block import MiTBlock
from keras_seg.models import MiTBackbone
from keras_seg.presets.pretrained_backbone import copy_weights

TINY = {
    "num_layers": 2,
    "hidden_dims": [8, 12],
    "layerwise_depths": [2, 1],
    "layerwise_num_heads": [1, 3],
    "layerwise_sr_ratios": [4, 1],
    "layerwise_patch_sizes": [7, 3],
    "layerwise_strides": [4, 2],
    "max_drop_path_rate": 0.5,
}


@pytest.fixture(scope="module")
def theirs():
    backbone = keras_hub.models.MiTBackbone(image_shape=(40, 40, 3), **TINY)
    set_random_weights(backbone, seed=1)
    return backbone


@pytest.fixture(scope="module")
def ours(theirs):
    backbone = MiTBackbone(**TINY)
    copy_weights(theirs, backbone)
    return backbone


@pytest.fixture(scope="module")
def pyramid(ours):
    return keras.Model(ours.input, dict(ours.pyramid_outputs))


def test_equals_keras_hub_on_squares(theirs, ours, pyramid):
    assert [v.shape for v in ours.weights] == [v.shape for v in theirs.weights]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    images = random_array(2, 40, 40, 3)  # the reduction by 4 leaves out 2 of 10 rows
    expected = keras.Model(theirs.input, dict(theirs.pyramid_outputs))
    expected = expected.predict_on_batch(images)
    actual = pyramid.predict_on_batch(images)
    assert list(actual) == ["P2", "P3"]  # strides 4 and 8; keras-hub says P1 and P2
    for name, name_there in (("P2", "P1"), ("P3", "P2")):
        assert actual[name].shape == expected[name_there].shape
        np.testing.assert_allclose(actual[name], expected[name_there], atol=2e-5)


@pytest.mark.parametrize("size", [(24, 64), (37, 50)])
def test_equals_numpy_on_any_rectangle(ours, pyramid, size):
    image = random_array(*size, 3)
    weights = [ops.convert_to_numpy(v).astype("float64") for v in ours.weights]
    expected = reference.levels(
        image,
        weights,
        TINY["layerwise_depths"],
        TINY["layerwise_num_heads"],
        TINY["layerwise_sr_ratios"],
        TINY["layerwise_strides"],
    )
    actual = pyramid.predict_on_batch(image[None])
    for level, there in zip(actual.values(), expected, strict=True):
        np.testing.assert_allclose(level[0], there, atol=2e-5)


@pytest.mark.parametrize("size", [(1, 1), (5, 40)])
def test_maps_smaller_than_the_reduction(ours, pyramid, size):
    """Maps smaller than a kernel are padded with zeros: one pixel becomes 4 x 4."""
    levels = pyramid.predict_on_batch(random_array(1, *size, 3))
    sides = [-(-n // 4) for n in size]
    assert levels["P2"].shape == (1, *sides, 8)
    assert levels["P3"].shape == (1, *[-(-n // 2) for n in sides], 12)
    assert all(np.isfinite(level).all() for level in levels.values())


def test_every_weight_learns_and_training_is_random(ours):
    backbone = MiTBackbone(**TINY)
    copy_weights(ours, backbone)
    model = keras.Sequential([backbone, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    images, truth = random_array(8, 24, 40, 3), random_array(8, 3, 5, 1)
    start = [w.copy() for w in model.get_weights()]
    losses = []
    for _ in range(2):
        model.set_weights(start)
        losses.append(float(model.train_on_batch(images, truth)))
    assert abs(losses[0] - losses[1]) > 1e-3
    # Softmax takes away what the bias of the keys adds.
    blocks = [layer.block for layer in backbone.layers if isinstance(layer, MiTBlock)]
    idle = {id(block.attn.k.bias) for block in blocks}
    assert len(backbone.trainable_variables) == len(backbone.weights)
    for variable, old in zip(model.weights[:-2], start[:-2], strict=True):
        moved = np.abs(ops.convert_to_numpy(variable) - old).max()
        assert (moved > 1e-6) != (id(variable) in idle), variable.path


def test_config_and_precision():
    check_config_and_precision(MiTBackbone, TINY, (12, 20), (1, 2, 3, 12))


def test_presets_of_keras_hub_and_our_own_load(theirs, tmp_path):
    theirs.save_to_preset(str(tmp_path / "theirs"))
    model = keras_seg.ECENet.from_preset(
        str(tmp_path / "theirs"), num_classes=3, hidden_dim=8
    )
    assert type(model.backbone) is MiTBackbone and model.pyramid_levels == ["P2", "P3"]
    for loaded, saved in zip(
        model.backbone.get_weights(), theirs.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(loaded, saved)
    model.save_to_preset(tmp_path / "ours")
    copy = keras_seg.ECENet.from_preset(tmp_path / "ours")
    for loaded, saved in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, saved)
    logits = copy.predict_on_batch(random_array(1, 30, 70, 3))
    assert logits.shape == (1, 30, 70, 3) and np.isfinite(logits).all()
