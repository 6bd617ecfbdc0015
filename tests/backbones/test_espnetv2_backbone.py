"""ESPNetv2 with published weights equals a NumPy reference."""

import espnetv2_decoder_reference as decoder_reference
import espnetv2_reference as reference
import keras
import numpy as np
import pytest
from backbone_checks import check_config_and_precision
from keras import ops
from random_weights import random_array

import keras_seg
from keras_seg.backbones import ESPNetV2Backbone
from keras_seg.conversion import load_backbone, read_checkpoint
from keras_seg.conversion.espnetv2_backbone import espnetv2_targets
from keras_seg.conversion.published_weights import published_shapes
from keras_seg.training.build_backbone import build_backbone, is_untrained

TINY = {"stackwise_num_filters": [16, 32, 48, 64], "stackwise_num_blocks": [2, 1]}
DECODER = {"decoder_filters": [8, 6, 4], "decoder_projection_dim": 3}
# What a published segmenter has besides, with any shape.
BESIDE = (
    "bu_dec_l4.merge_layer.3.bias",
    "bu_br_l4.0.bias",
    "merge_enc_dec_l4.wt_layer.1.weight",
    "base_net.level2_0.eesp.module_act.weight",
    "base_net.level1.bn.num_batches_tracked",
)


def published(seed=0):
    """Random arrays by the names of a published segmenter."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in published_shapes(
        espnetv2_targets(ESPNetV2Backbone(**TINY, **DECODER))
    ).items():
        scale = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.3
        array = rng.normal(0.0, scale, shape)
        if name.endswith("running_var"):
            array = rng.uniform(0.5, 2.0, shape)
        prefix = "base_net." if name.startswith("level") else ""
        arrays[prefix + name] = array.astype("float32")
    return arrays


def reference_levels(image):
    """P1 ... P4 of the encoder, and P4, P3 and P2 of the decoder."""
    weights = {
        name.removeprefix("base_net."): array.astype("float64")
        for name, array in published().items()
    }
    levels = reference.levels(image, weights, TINY["stackwise_num_blocks"])
    return levels, decoder_reference.decode(levels, weights)


@pytest.fixture(scope="module")
def backbone():
    backbone = ESPNetV2Backbone(**TINY, name="espnetv2")
    load_backbone(backbone, {**published(), **dict.fromkeys(BESIDE, np.zeros(2))})
    return backbone


@pytest.fixture(scope="module")
def decoding_backbone():
    backbone = ESPNetV2Backbone(**TINY, **DECODER)
    load_backbone(backbone, {**published(), **dict.fromkeys(BESIDE, np.zeros(2))})
    return backbone


@pytest.mark.parametrize("size", [(32, 48), (37, 50), (9, 1)])
def test_levels_equal_numpy(backbone, size):
    image = random_array(*size, 3)
    expected, _ = reference_levels(image)
    pyramid = keras.Model(backbone.input, dict(backbone.pyramid_outputs))
    actual = pyramid.predict_on_batch(image[None])
    assert list(actual) == ["P1", "P2", "P3", "P4"]
    for level, there in zip(actual.values(), expected, strict=True):
        assert np.abs(there).max() > 0.1
        np.testing.assert_allclose(level[0], there, atol=1e-5)


@pytest.mark.parametrize("size", [(64, 96), (37, 50), (9, 1)])
def test_decoded_levels_equal_numpy(decoding_backbone, size):
    image = random_array(*size, 3)
    levels, decoded = reference_levels(image)
    expected = [
        np.concatenate([there, level], -1)
        for there, level in zip(decoded[::-1], levels[1:], strict=True)
    ]
    pyramid = keras.Model(
        decoding_backbone.input, dict(decoding_backbone.pyramid_outputs)
    )
    actual = pyramid.predict_on_batch(image[None])
    assert list(actual) == ["P1", "P2", "P3", "P4"]
    np.testing.assert_allclose(actual.pop("P1")[0], levels[0], atol=1e-5)
    for level, there in zip(actual.values(), expected, strict=True):
        assert np.abs(there).max() > 0.1
        np.testing.assert_allclose(level[0], there, atol=2e-5)


def test_default_is_the_largest_published_network():
    backbone = ESPNetV2Backbone()
    assert backbone.count_params() == 768_824
    assert [v.shape[-1] for v in backbone.pyramid_outputs.values()] == [
        32,
        128,
        256,
        512,
    ]


def test_the_published_decoder_is_the_default():
    backbone = ESPNetV2Backbone(decoder_filters=[64, 48, 32])
    assert backbone.count_params() == 768_824 + 41_558
    widths = [v.shape[-1] for v in backbone.pyramid_outputs.values()]
    assert widths == [32, 128 + 32, 256 + 48, 512 + 64]


@pytest.mark.parametrize("decoder", [{}, DECODER])
def test_every_weight_learns(decoder):
    backbone = ESPNetV2Backbone(**TINY, **decoder)
    model = keras.Sequential([backbone, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(10.0), "mse")
    size = (8, 12) if decoder else (2, 3)
    images, truth = random_array(4, 32, 48, 3), random_array(4, *size, 1)
    start = [w.copy() for w in model.get_weights()]
    model.train_on_batch(images, truth)
    for variable, old in zip(model.weights, start, strict=True):
        moved = np.abs(ops.convert_to_numpy(variable) - old).max()
        assert moved > 1e-7, variable.path


def test_config_and_precision():
    check_config_and_precision(ESPNetV2Backbone, TINY, (20, 36), (1, 2, 3, 64))
    arguments = {**TINY, **DECODER}
    check_config_and_precision(ESPNetV2Backbone, arguments, (20, 36), (1, 5, 9, 36))


def test_a_saved_backbone_is_built_by_its_folder(backbone, tmp_path):
    backbone.save_to_preset(str(tmp_path / "espnetv2"))
    copy, preprocessor = build_backbone(str(tmp_path / "espnetv2"))
    for loaded, saved in zip(copy.get_weights(), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, saved)
    black = ops.convert_to_numpy(preprocessor(np.zeros((1, 1, 1, 3), "float32")))
    np.testing.assert_allclose(black[0, 0, 0], backbone.image_scaling[1], rtol=1e-6)


@pytest.mark.parametrize("of_a_model", [False, True])
def test_a_network_takes_the_weights_of_a_folder(of_a_model, tmp_path):
    saved, random = ESPNetV2Backbone(**TINY, **DECODER), build_backbone("ESPNetV2")[0]
    if of_a_model:
        keras_seg.CPT(saved, 3, hidden_dim=8).save_to_preset(tmp_path / "saved")
    else:
        saved.save_to_preset(str(tmp_path / "saved"))
    copy, _ = build_backbone("ESPNetV2", str(tmp_path / "saved"))
    for loaded, kept in zip(copy.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, kept)
    assert copy.decoder_filters == DECODER["decoder_filters"]
    assert random.decoder_filters is None and random.stackwise_num_blocks == [3, 7]
    assert is_untrained("ESPNetV2", None) and is_untrained("MobileNetV2", "")
    assert not is_untrained("ESPNetV2", "saved")
    assert not is_untrained(str(tmp_path / "saved"), None)


def test_weights_that_it_does_not_have():
    with pytest.raises(ValueError, match="Received: ESPNetV2. Give a file"):
        build_backbone("ESPNetV2", "imagenet")
    for name in ("ESPNetV2", "MobileNetV2"):
        with pytest.raises(ValueError, match=f"'nowhere' with weights of {name}"):
            build_backbone(name, "nowhere")
    with pytest.raises(ValueError, match="can be dilated"):
        build_backbone("ESPNetV2", output_stride=8)


def test_a_model_is_saved_with_it(backbone, tmp_path):
    model = keras_seg.CPT(backbone, num_classes=3, hidden_dim=8, pool_dim=4)
    assert model.pyramid_levels == ["P2", "P3", "P4"] and model.masks_padding
    image = np.random.default_rng(0).integers(0, 256, (1, 30, 70, 3), "uint8")
    model.save_to_preset(tmp_path / "cpt")
    copy = keras_seg.CPT.from_preset(tmp_path / "cpt")
    np.testing.assert_allclose(
        copy.predict_on_batch(image), model.predict_on_batch(image), atol=1e-6
    )


def test_weights_from_a_file(backbone, tmp_path):
    np.savez(tmp_path / "a.npz", **published())
    copy = ESPNetV2Backbone(**TINY)
    load_backbone(copy, read_checkpoint(tmp_path / "a.npz"))
    for loaded, saved in zip(copy.get_weights(), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, saved)


def test_nothing_is_loaded_unless_all_fits():
    backbone = ESPNetV2Backbone(**TINY)
    before = backbone.get_weights()
    arrays = published()
    del arrays["base_net.level1.bn.bias"]
    arrays["base_net.level3.0.module_act.weight"] = np.zeros(7, "float32")
    arrays["base_net.level3.2.module_act.weight"] = np.zeros(48, "float32")
    with pytest.raises(ValueError) as error:
        load_backbone(backbone, arrays)
    lines = sorted(line.strip() for line in str(error.value).splitlines()[1:])
    assert lines == [
        "misshapen: level3.0.module_act.weight has shape (7,), expected (48,)",
        "missing: level1.bn.bias",
        "unknown: level3.2.module_act.weight",
    ]
    for old, new in zip(before, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_other_backbones_cannot_be_converted():
    mobilenet = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    with pytest.raises(ValueError, match="ApplicationsBackbone cannot be converted"):
        load_backbone(mobilenet, published())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stackwise_num_filters": [16, 32, 48]}, "must have 4"),
        ({"stackwise_num_blocks": [1]}, "2 integers"),
        ({"stackwise_num_filters": [16, 32, 32, 64]}, "must increase"),
        ({"stackwise_num_filters": [16, 32, 56, 64]}, "multiples of 16"),
        ({"stackwise_num_filters": [0, 16, 32, 48]}, "must increase"),
        ({"decoder_filters": [8, 6]}, "must have 3"),
        ({"decoder_filters": [8, 6, 0]}, "positive integers"),
        ({**DECODER, "decoder_projection_dim": 0}, "decoder_projection_dim=0"),
    ],
)
def test_channels_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        ESPNetV2Backbone(**{**TINY, **arguments})
