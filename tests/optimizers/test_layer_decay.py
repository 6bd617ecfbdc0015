"""Learning rates that fall from the head to the stem."""

import re

import keras
import keras_hub
import numpy as np
import pytest
from keras import ops
from random_weights import random_array
from tiny_backbone import TinyBackbone

import keras_seg
from keras_seg.backbones import ESPNetV2Backbone
from keras_seg.models import ApplicationsBackbone, DilatedResNetBackbone, SwinBackbone
from keras_seg.optimizers import MultiplierAdamW, layer_decay_multipliers

RESNET = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 8],
    "stackwise_num_blocks": [2, 3],
    "stackwise_num_strides": [1, 2],
    "block_type": "bottleneck_block",
}


def factor_by_path(backbone, factors):
    """Each variable is named by one expression."""
    found = {}
    for variable in backbone.variables:
        path = variable.path
        if "seed" not in path:
            (found[path],) = [f for x, f in factors.items() if re.search(x, path)]
    return found


def test_blocks_of_swin():
    backbone = SwinBackbone(8, [2, 1], [1, 2], window_size=4)
    model = keras_seg.ECENet(backbone, num_classes=3, hidden_dim=8, compile=False)
    factors = layer_decay_multipliers(model, 0.5)
    blocks = [
        ["patch_embedding"],
        ["stage_0_block_0"],
        ["stage_0_block_1", "norm_0"],
        ["merging_0"],
        ["stage_1_block_0", "norm_1"],
    ]
    found = factor_by_path(backbone, factors)
    for i, names in enumerate(blocks):
        for name in names:
            values = {f for path, f in found.items() if path.startswith(f"{name}/")}
            assert values == {0.5 ** (5 - i)}, name


@pytest.mark.parametrize("dilated", [False, True])
def test_blocks_of_resnet(dilated):
    if dilated:
        backbone = DilatedResNetBackbone(output_stride=8, **RESNET)
    else:
        backbone = keras_hub.models.ResNetBackbone(**RESNET)
    factors = layer_decay_multipliers(backbone, 0.5)
    names = ["stack0_block0", "stack0_block1"]
    names += ["stack1_block0", "stack1_block1", "stack1_block2"]
    for path, factor in factor_by_path(backbone, factors).items():
        above = len(names)
        if "stack" in path:
            above -= names.index(re.search(r"stack\d_block\d", path)[0]) + 1
        # The stem is part of the first block: no paths meet between the two.
        assert factor == 0.5 ** (1 + min(above, len(names) - 1)), path


@pytest.mark.parametrize("network", ["MobileNetV2", "VGG16"])
def test_networks_of_keras_applications(network):
    backbone = ApplicationsBackbone(network)
    factors = layer_decay_multipliers(backbone, 0.9)
    found = factor_by_path(backbone, factors)
    assert list(factors.values()) == sorted(factors.values())
    # These networks are chains of blocks, with their variables in this order.
    order = list(found.values())
    assert order == sorted(order) and order[0] < order[-1] == pytest.approx(0.9)
    assert len(factors) >= {"MobileNetV2": 12, "VGG16": 4}[network]


@pytest.mark.parametrize("decoder_filters", [None, [8, 6, 4]])
def test_a_decoder_is_the_last_block(decoder_filters):
    backbone = ESPNetV2Backbone([16, 32, 48, 64], [2, 2], decoder_filters, 3)
    found = factor_by_path(backbone, layer_decay_multipliers(backbone, 0.5))

    def factors(name):
        return {f for path, f in found.items() if path.startswith(f"{name}_")}

    above = 0 if decoder_filters is None else 1
    assert factors("decoder") == ({0.5} if above else set())
    # PReLU is the last layer of a unit, and the whole network ends with one.
    names = ["unit_4_1", "unit_4_0", "down_4_expand", "unit_3_1", "down_2_expand"]
    for i, name in enumerate([*names, "stem"]):
        assert factors(name) == {0.5 ** (i + above + 1)}, name


@pytest.mark.parametrize("last", ["norm", "prelu"])
@pytest.mark.parametrize("add", [lambda *x: keras.layers.add(x), ops.add])
def test_what_follows_the_last_sum_is_part_of_its_block(last, add):
    """Whether a layer or an operation makes the sum."""
    x = inputs = keras.Input((8, 8, 4))
    for i in range(3):
        y = keras.layers.Conv2D(4, 3, padding="same", name=f"conv_{i}")(x)
        x = add(x, y)
    layers = {"norm": keras.layers.LayerNormalization, "prelu": keras.layers.PReLU}
    backbone = keras.Model(inputs, layers[last](name=last)(x))
    found = factor_by_path(backbone, layer_decay_multipliers(backbone, 0.5))
    assert {path.split("/")[0]: factor for path, factor in found.items()} == {
        "conv_0": 0.125,
        "conv_1": 0.25,
        "conv_2": 0.5,
        last: 0.5,
    }


def test_mit_keeps_its_norms_with_their_blocks():
    backbone = keras_hub.models.MiTBackbone(
        layerwise_depths=[1, 2],
        num_layers=2,
        layerwise_num_heads=[1, 1],
        layerwise_sr_ratios=[2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3],
        layerwise_strides=[4, 2],
        hidden_dims=[4, 8],
        image_shape=(32, 32, 3),
    )
    factors = layer_decay_multipliers(backbone, 0.5)
    assert list(factors.values()) == [0.5**n for n in (5, 4, 3, 2, 1)]
    assert set(factor_by_path(backbone, factors).values()) == set(factors.values())


def test_the_step_of_each_block_is_scaled():
    def changes(decay):
        keras.utils.set_random_seed(3)
        backbone = TinyBackbone(2)
        x = keras.layers.GlobalAveragePooling2D()(backbone.output)
        model = keras.Model(backbone.input, keras.layers.Dense(2, name="head")(x))
        factors = layer_decay_multipliers(backbone, decay)
        optimizer = MultiplierAdamW(0.01, {"^head/": 10.0, **factors}, weight_decay=0)
        model.compile(optimizer, "mse")
        before = {v.path: np.array(v) for v in model.trainable_variables}
        model.train_on_batch(random_array(2, 16, 16, 3), random_array(2, 2, seed=1))
        return {v.path: np.array(v) - before[v.path] for v in model.trainable_variables}

    plain, scaled = changes(1.0), changes(0.5)
    for path, change in plain.items():
        expected = 1.0
        if not path.startswith("head/"):
            expected = {"2": 0.25, "3": 0.5}[path.split("/")[0][-1]]
        np.testing.assert_allclose(scaled[path], expected * change, atol=1e-6)
    assert sum("_2/" in path for path in plain) == 3


def test_what_is_refused():
    with pytest.raises(ValueError, match="decay=1.5"):
        layer_decay_multipliers(TinyBackbone(2), 1.5)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with pytest.raises(ValueError, match="1 blocks with weights.*at least 2"):
        layer_decay_multipliers(model, 0.5)
    decoding = ESPNetV2Backbone([16, 32, 48, 64], [1, 1], [8, 6, 4], 3)
    decoding.encoder_outputs = None
    with pytest.raises(ValueError, match="Expected at least 4.*encoder_outputs"):
        layer_decay_multipliers(decoding, 0.5)
