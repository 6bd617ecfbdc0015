"""`keras_hub.models.ImageSegmenter` loads presets of this package."""

import keras
import keras_hub
import numpy as np
import pytest

import keras_seg

ImageSegmenter = keras_hub.models.ImageSegmenter


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    model = keras_seg.CPT(backbone, 3, hidden_dim=8, class_names=["a", "b", "c"])
    folder = str(tmp_path_factory.mktemp("hub") / "saved")
    model.save_to_preset(folder)
    return model, folder


def test_the_model_of_a_preset_is_found(saved):
    model, folder = saved
    copy = ImageSegmenter.from_preset(folder)
    assert type(copy) is keras_seg.CPT and copy.class_names == ["a", "b", "c"]
    x = np.random.default_rng(0).integers(0, 256, (1, 40, 50, 3), "uint8")
    np.testing.assert_allclose(copy.predict(x), model.predict(x), atol=1e-5)


@pytest.mark.no_backend
def test_arguments_reach_the_model(saved):
    _, folder = saved
    copy = ImageSegmenter.from_preset(
        folder, load_weights=False, num_classes=2, class_names=None
    )
    assert copy.output_shape[-1] == 2
    half = ImageSegmenter.from_preset(folder, dtype="bfloat16", load_weights=False)
    assert half.backbone.compute_dtype == half.head.compute_dtype == "bfloat16"


@pytest.mark.no_backend
def test_a_preset_of_a_backbone_alone_is_refused(saved, tmp_path):
    model, _ = saved
    model.backbone.save_to_preset(str(tmp_path / "backbone"))
    with pytest.raises(ValueError, match="ECENet.from_preset"):
        ImageSegmenter.from_preset(str(tmp_path / "backbone"), num_classes=3)


@pytest.mark.no_backend
def test_each_backbone_of_the_package_has_one_entry():
    entries = [
        x
        for x in set(keras.saving.get_custom_objects().values())
        if isinstance(x, type)
        and issubclass(x, ImageSegmenter)
        and x.backbone_cls
        and x.backbone_cls.__module__.startswith("keras_seg.")
    ]
    names = sorted(entry.backbone_cls.__name__ for entry in entries)
    assert names == [
        "ApplicationsBackbone",
        "DilatedResNetBackbone",
        "ESPNetV2Backbone",
        "MiTBackbone",
        "SwinBackbone",
    ]
    for entry in entries:
        assert issubclass(keras_seg.SGR, entry)
        assert not issubclass(keras_hub.models.SegFormerImageSegmenter, entry)


@pytest.mark.no_backend
def test_presets_of_keras_hub_are_still_its_own():
    known = set(ImageSegmenter.presets)
    assert "segformer_b0_ade20k_512" in known and "resnet_50_imagenet" not in known
