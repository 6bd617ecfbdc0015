"""Published ResNets, against torch."""

import keras
import keras_hub
import numpy as np
import pytest
from random_weights import random_array
from small_papers import small_paper

import keras_seg
from keras_seg.conversion import convert_checkpoint, cpt_head_names, load_backbone
from keras_seg.conversion.resnet_backbone import resnet_targets
from keras_seg.models import DilatedResNetBackbone
from keras_seg.presets.pretrained_backbone import copy_weights

torch = pytest.importorskip("torch")

SMALL = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 8],
    "stackwise_num_blocks": [2, 2],
    "stackwise_num_strides": [1, 2],
    "block_type": "bottleneck_block",
}


def checkpoint(network, head):
    """The arrays of a whole network, with a random head."""
    rng = np.random.default_rng(0)
    arrays = {
        f"backbone.{name}": tensor.numpy()
        for name, tensor in network.state_dict().items()
    }
    for name, shape in cpt_head_names(head).items():
        arrays[f"decode_head.{name}"] = rng.uniform(0.5, 1.5, shape).astype("float32")
    return arrays


def expected_levels(network, images):
    with torch.no_grad():
        levels = network(torch.tensor(images.transpose(0, 3, 1, 2)))
    return [level.numpy().transpose(0, 2, 3, 1) for level in levels]


def test_a_backbone_alone():
    from torch_resnet import random_resnet

    network = random_resnet(deep_stem=False)
    arrays = {f"module.{k}": v.numpy() for k, v in network.state_dict().items()}
    assert any(name.endswith("num_batches_tracked") for name in arrays)
    backbone = keras_hub.models.ResNetBackbone(**SMALL)
    load_backbone(backbone, arrays)
    images = random_array(1, 33, 46, 3)
    levels = keras.Model(backbone.input, list(backbone.pyramid_outputs.values()))
    expected = expected_levels(network, images)
    for level, there in zip(levels.predict_on_batch(images), expected, strict=True):
        np.testing.assert_allclose(level, there, atol=1e-4)
    arrays["bn1.bias"] = arrays["module.bn1.bias"]
    with pytest.raises(ValueError, match="holds 'bn1.bias' twice"):
        load_backbone(backbone, arrays)


@pytest.mark.parametrize("deep_stem", [False, True])
def test_levels_are_those_of_torch(deep_stem, tmp_path, monkeypatch):
    from torch_resnet import random_resnet

    small_paper(monkeypatch, "CPT", "resnet_50", SMALL)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    name = "cityscapes_resnet_50_1024"
    head = keras_seg.layers.CPTHead(19, 8)
    head.build([(None, 9, 12, 256), (None, 5, 6, 32)])
    network = random_resnet(deep_stem)
    np.savez(tmp_path / "a.npz", **checkpoint(network, head))
    folder = convert_checkpoint(tmp_path / "a.npz", keras_seg.CPT, name)
    assert folder == tmp_path / "cache" / "keras_seg" / "cpt" / name
    model = keras_seg.CPT.from_preset(name)  # now there are weights
    assert model.test_protocol["stride"] == [768, 768]
    images = random_array(1, 33, 46, 3)
    actual = model.pyramid.predict_on_batch(images)
    for a, b in zip(actual, expected_levels(network, images), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4, rtol=1e-4)


def test_dilated_resnet_has_the_weights_and_a_finer_last_level():
    config = {
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [3],
        "stackwise_num_filters": [64, 8, 8],
        "stackwise_num_blocks": [1, 1, 2],
        "stackwise_num_strides": [1, 2, 2],
        "block_type": "basic_block",
    }
    plain = keras_hub.models.ResNetBackbone(**config)
    dilated = DilatedResNetBackbone(output_stride=8, **config)
    copy_weights(plain, dilated)
    copy = DilatedResNetBackbone.from_config(dilated.get_config())
    assert copy.get_config() == dilated.get_config()
    assert sorted(dilated.pyramid_outputs) == ["P2", "P3"]
    images = random_array(1, 64, 64, 3)
    fine = dilated.predict_on_batch(images)
    assert fine.shape == (1, 8, 8, 8)
    # Away from the border it is the same map, seen at every position.
    coarse = plain.predict_on_batch(images)
    np.testing.assert_allclose(
        fine[:, ::2, ::2][:, 1:3, 1:3], coarse[:, 1:3, 1:3], 1e-3
    )
    with pytest.raises(ValueError, match="must be 8 or 16"):
        DilatedResNetBackbone(output_stride=32, **config)


def test_names_of_other_resnets():
    dilated = DilatedResNetBackbone(output_stride=8, **SMALL)
    plain = keras_hub.models.ResNetBackbone(**SMALL)
    assert sorted(resnet_targets(dilated)) == sorted(resnet_targets(plain))
    other = keras_hub.models.ResNetBackbone(**{**SMALL, "use_pre_activation": True})
    with pytest.raises(ValueError, match="no published name for the layer"):
        resnet_targets(other)
