"""keras.applications networks as feature pyramids."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops
from random_weights import set_random_weights

import keras_seg
from keras_seg.models import ApplicationsBackbone


@pytest.fixture(scope="module")
def backbone():
    return ApplicationsBackbone("MobileNetV2", alpha=0.35, name="some_name")


def test_levels_have_their_strides(backbone):
    outputs = backbone.pyramid_outputs
    assert sorted(outputs) == ["P1", "P2", "P3", "P4", "P5"]
    model = keras.Model(backbone.input, [outputs[k] for k in sorted(outputs)])
    shapes = model.compute_output_shape((1, 96, 64, 3))
    assert [shape[1:3] for shape in shapes] == [
        (96 // 2**n, 64 // 2**n) for n in range(1, 6)
    ]


def scaling_of(network, **kwargs):
    """Without the network itself, which would take seconds to build."""
    backbone = SimpleNamespace(network=network, network_kwargs=kwargs)
    return ApplicationsBackbone.image_scaling.fget(backbone)


def test_images_are_scaled_as_the_network_was_trained(backbone):
    image = np.array([[[[0, 100, 200]]]], "float32")
    torch_like = (image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    for name, expected in [
        ("MobileNetV2", image / 127.5 - 1),
        ("MobileNetV3Small", image),
        ("DenseNet121", torch_like),
    ]:
        scaling = scaling_of(name)
        layer = keras.layers.Rescaling(*scaling)
        np.testing.assert_allclose(layer(image), expected, atol=1e-5)
    with pytest.raises(ValueError, match="blue, green, red.*preprocessor"):
        scaling_of("ResNet50")

    network = ApplicationsBackbone("MobileNetV3Small", alpha=0.75, minimalistic=True)
    model = keras_seg.ECENet(network, 2, hidden_dim=8, num_heads=2)
    assert model.preprocessor.scale == 1 and model.preprocessor.offset == 0


@pytest.mark.parametrize("name", ["MobileNetV3Small", "EfficientNetV2B0"])
def test_a_network_whose_scaling_is_left_out(name):
    assert scaling_of(name, include_preprocessing=True) == (1.0, 0.0)
    with pytest.raises(ValueError, match="include_preprocessing=False.*Leave"):
        scaling_of(name, include_preprocessing=False)


def test_a_preprocessor_of_the_user_needs_no_scaling_of_the_network():
    network = ApplicationsBackbone(
        "MobileNetV3Small", alpha=0.75, minimalistic=True, include_preprocessing=False
    )
    head = {"hidden_dim": 8, "num_heads": 2, "compile": False}
    with pytest.raises(ValueError, match="preprocessor"):
        keras_seg.ECENet(network, 2, **head)
    own = keras.layers.Rescaling(1 / 127.5, -1)
    assert keras_seg.ECENet(network, 2, preprocessor=own, **head).preprocessor is own


def test_config(backbone):
    again = ApplicationsBackbone.from_config(backbone.get_config())
    assert again.get_config() == backbone.get_config()
    assert again.name == "some_name" and again.network_kwargs == {"alpha": 0.35}
    assert [w.shape for w in again.weights] == [w.shape for w in backbone.weights]


def test_a_network_whose_layers_have_numbers_is_made_again():
    """Keras counts `re_lu_3` up with each network that a process makes."""
    first = ApplicationsBackbone("MobileNetV3Small")
    again = ApplicationsBackbone.from_config(first.get_config())
    shapes = [w.shape for w in first.weights]
    assert [w.shape for w in again.weights] == shapes
    third = ApplicationsBackbone.from_config(again.get_config())
    assert [w.shape for w in third.weights] == shapes
    assert first.pyramid_layers.keys() == third.pyramid_layers.keys()


def test_chosen_levels_cut_the_network(backbone):
    layers = {"P2": "block_2_add", "P3": "block_5_add"}
    cut = ApplicationsBackbone("MobileNetV2", pyramid_layers=layers, alpha=0.35)
    assert list(cut.pyramid_outputs) == ["P2", "P3"]
    assert cut.layers[-1].name == "block_5_add"
    assert len(cut.weights) < len(backbone.weights) / 2


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_the_cut_and_of_the_whole_network(tmp_path):
    layers = {"P2": "block_2_add", "P3": "block_5_add"}
    kwargs = {"network": "MobileNetV2", "pyramid_layers": layers, "alpha": 0.35}
    whole = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(None, None, 3), alpha=0.35
    )
    set_random_weights(whole, seed=1)
    whole.save_weights(tmp_path / "whole.weights.h5")
    backbone = ApplicationsBackbone(weights=tmp_path / "whole.weights.h5", **kwargs)
    for variable in backbone.weights:
        layer, name = variable.path.split("/")
        expected = getattr(whole.get_layer(layer), name)
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (variable, expected)))

    cut = keras.Model(whole.input, whole.get_layer("block_5_add").output)
    cut.save_weights(tmp_path / "cut.weights.h5")
    again = ApplicationsBackbone(weights=tmp_path / "cut.weights.h5", **kwargs)
    for pair in zip(again.weights, backbone.weights, strict=True):
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, pair))

    kwargs["alpha"] = 0.5
    with pytest.raises(ValueError, match="fit neither the whole network"):
        ApplicationsBackbone(weights=tmp_path / "cut.weights.h5", **kwargs)


def test_dtype_is_for_this_network_only():
    backbone = ApplicationsBackbone(
        "MobileNetV2",
        pyramid_layers={"P2": "block_2_add"},
        alpha=0.35,
        dtype="mixed_bfloat16",
    )
    assert backbone.pyramid_outputs["P2"].dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


def test_errors():
    with pytest.raises(ValueError, match="'MobileNet9'.*MobileNetV2"):
        ApplicationsBackbone("MobileNet9")
    with pytest.raises(ValueError, match="P2 must be .* stride 4.*'block_5_add' of st"):
        ApplicationsBackbone("MobileNetV2", pyramid_layers={"P2": "block_5_add"})
    with pytest.raises(ValueError, match="'nothing' of stride None"):
        ApplicationsBackbone("MobileNetV2", pyramid_layers={"P2": "nothing"})


@pytest.mark.parametrize("output_stride", [16, 8])
def test_dilated_network_sees_what_the_plain_one_sees(backbone, output_stride):
    """Every second or fourth position of it, away from the border."""
    set_random_weights(backbone, seed=1)
    dilated = ApplicationsBackbone(
        "MobileNetV2", alpha=0.35, output_stride=output_stride
    )
    dilated.set_weights(backbone.get_weights())
    assert max(dilated.pyramid_outputs) == {16: "P4", 8: "P3"}[output_stride]
    images = np.random.default_rng(0).uniform(-1, 1, (1, 320, 320, 3)).astype("float32")
    plain = ops.convert_to_numpy(backbone(images, training=False))  # (1, 10, 10, C)
    outputs = ops.convert_to_numpy(dilated(images, training=False))
    factor = 32 // output_stride
    assert outputs.shape == (1, 10 * factor, 10 * factor, plain.shape[-1])
    # The strided kernels begin at the first row and have one row more below.
    outputs = outputs[:, factor - 1 :: factor, factor - 1 :: factor]
    inner, scale = slice(4, -4), np.abs(plain).max()
    assert scale > 0.1
    np.testing.assert_allclose(
        outputs[:, inner, inner], plain[:, inner, inner], atol=1e-4 * scale
    )
    again = ApplicationsBackbone.from_config(dilated.get_config())
    assert again.output_stride == output_stride
    assert again.compute_output_shape((1, 64, 64, 3))[1] == 64 // output_stride


def test_output_stride_that_cannot_be():
    with pytest.raises(ValueError, match="must be 8, 16 or None"):
        ApplicationsBackbone("MobileNetV2", output_stride=32)
    with pytest.raises(ValueError, match="cannot be dilated"):
        ApplicationsBackbone("ConvNeXtTiny", output_stride=16)
