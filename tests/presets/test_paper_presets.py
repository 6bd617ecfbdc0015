"""The papers' presets: the table, what is made of it, and where weights are found."""

import logging
import os

import keras
import keras_hub
import numpy as np
import pytest
from keras import ops
from project_paths import ROOT
from random_weights import random_array, set_random_weights
from small_papers import small_paper

import keras_seg
from keras_seg import models, presets
from keras_seg.inference import TestProtocol
from keras_seg.keras_internals import hub_files
from keras_seg.models import Segmenter, SwinBackbone
from keras_seg.presets import (
    configuration_table,
    model_from_preset,
    pretrained_backbone,
)
from keras_seg.presets.paper_presets import find_configuration

NAME = "ade20k_swin_base_640"
FULL = f"ecenet/{NAME}"
SWIN = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}


@pytest.fixture(scope="module")
def tiny():
    """Tiny presets by the names of large ones."""
    with pytest.MonkeyPatch.context() as patch:
        small_paper(patch, "ECENet", "swin_base", SWIN)
        yield


@pytest.fixture
def empty(tiny, monkeypatch, tmp_path):
    """A cache and folders that are empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    monkeypatch.delenv("KERAS_SEG_PRESETS", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def model(tiny):
    return keras_seg.ECENet.from_preset(NAME, load_weights=False, backbone_weights=None)


@pytest.mark.no_backend
def test_table_has_the_papers_configurations():
    facts = {name: presets.describe_preset(name) for name in presets.paper_presets()}
    assert len(facts) == 43
    assert {name for name in facts if facts[name]["published"]} == set(
        configuration_table.PUBLISHED
    )
    assert set(configuration_table.PUBLISHED_HEAD_PARAMETERS) <= set(facts)
    assert set(configuration_table.HANDLES) <= set(facts)
    for entry in facts.values():
        TestProtocol(**entry["test_protocol"])
    published = facts[FULL]
    assert published["test_protocol"] == {
        "mode": "slide",
        "window": [640, 640],
        "stride": [608, 608],
        "resize": [2560, 640],
    }
    assert published["crop_size"] == [640, 640]
    assert published["mean"] == [123.675, 116.28, 103.53]
    assert published["arguments"]["query_activation"] == "relu"
    assert published["backbone_config"]["drop_path"] == 0.3
    whole = facts["cpt/ade20k_resnet_101_512"]["test_protocol"]
    assert whole == {
        "mode": "whole",
        "window": None,
        "stride": None,
        "resize": [2048, 512],
    }
    context = facts["cpt/pascal_context_resnet_101_480"]["test_protocol"]
    assert context["window"] == [480, 480] and context["stride"] == [320, 320]
    assert facts["cpt/cityscapes_swin_large_1024"]["test_protocol"]["stride"][0] == 768


@pytest.mark.no_backend
@pytest.mark.parametrize("name", presets.paper_presets())
def test_each_entry_resolves(name):
    """Without making a model: class, arguments, classes and name."""
    facts = presets.describe_preset(name)
    backbone_class = keras.saving.get_registered_object(facts["backbone_class"])
    assert issubclass(backbone_class, keras_hub.models.FeaturePyramidBackbone)
    model_class = getattr(keras_seg, facts["model"])
    assert find_configuration(model_class, name.split("/")[1]) == name
    assert find_configuration(Segmenter, name) == name
    assert len(facts["class_names"]) == len(facts["palette"]) == facts["num_classes"]
    assert str(facts["crop_size"][0]) == name.rsplit("_", 1)[1]
    assert facts["pretrained"] in keras_hub.models.Backbone.presets
    assert facts["description"].startswith(facts["model"])


@pytest.mark.no_backend
def test_backbones_are_those_of_keras_hub():
    """The configurations of two pretrained backbones, as far as they have one here."""
    resnet = configuration_table.BACKBONES["resnet_101"]["config"]
    assert sum(resnet["stackwise_num_blocks"]) * 3 + 2 == 101
    for name, blocks in (("swin_base", 4), ("swin_large", 6)):
        config = configuration_table.BACKBONES[name]["config"]
        heads = [blocks * 2**i for i in range(4)]
        assert config["num_heads"] == heads and config["embed_dim"] == 32 * heads[0]


def test_architecture_by_name(model):
    assert model.class_names[2] == "sky" and len(model.palette) == 150
    assert model.crop_size == [640, 640]
    assert model.test_protocol["stride"] == [608, 608]
    mean = np.array([[[[123.675, 116.28, 103.53]]]], "float32")
    scaled = ops.convert_to_numpy(model.preprocessor(mean))
    np.testing.assert_allclose(scaled, 0, atol=1e-5)
    logits = model.predict_on_batch(random_array(1, 33, 30, 3))
    assert np.shape(logits) == (1, 33, 30, 150) and np.isfinite(logits).all()


def test_arguments_and_classes_can_be_others(tiny):
    model = models.load_model(
        FULL,
        load_weights=False,
        num_classes=3,
        hidden_dim=12,
        dtype="mixed_bfloat16",
        backbone_weights=None,
    )
    assert type(model) is keras_seg.ECENet
    assert model.num_classes == 3 and model.class_names is None
    assert model.head.hidden_dim == 12 and model.crop_size == [640, 640]
    assert model.backbone.dtype_policy.name == "mixed_bfloat16"
    assert model.head.dtype_policy.name == "mixed_bfloat16"
    with pytest.raises(ValueError, match="'download', None"):
        keras_seg.ECENet.from_preset(NAME, load_weights=False, backbone_weights="web")
    with pytest.raises(ValueError, match="goes with load_weights=False"):
        keras_seg.ECENet.from_preset(NAME, backbone_weights=None)
    with pytest.raises(ValueError, match="of class ECENet, not CPT"):
        keras_seg.CPT.from_preset(FULL, load_weights=False)
    with pytest.raises(ValueError, match=f"Did you mean '{NAME}'"):
        keras_seg.ECENet.from_preset("ade20k_swin_base_64")
    with pytest.raises(ValueError, match="paper_presets"):
        presets.describe_preset("ecenet/none")


@pytest.mark.no_backend
def test_error_without_weights_names_the_ways_on(empty, monkeypatch):
    monkeypatch.setenv("KERAS_SEG_PRESETS", str(empty / "mine"))
    with pytest.raises(FileNotFoundError) as error:
        keras_seg.ECENet.from_preset(NAME, presets_dir=empty / "given")
    message = str(error.value)
    for part in (
        str(empty / "given" / "ecenet" / NAME),
        str(empty / "mine" / "ecenet" / NAME),
        str(empty / "cache" / "keras_seg" / "ecenet" / NAME),
        f"keras-seg convert CHECKPOINT --model ecenet --preset {NAME}",
        "keras-seg train",
        "load_weights=False",
    ):
        assert part in message
    assert "\n" not in message
    with pytest.raises(FileNotFoundError) as error:
        keras_seg.SGR.from_preset("ade20k_resnet_101_d8_512")
    assert "keras-seg convert" not in str(error.value)  # nothing is published


@pytest.fixture
def stub(empty, monkeypatch):
    """Makes folders that look like presets; loading one only says which it was."""

    def loaded(model_class, root, folder, load_weights, arguments, verified):
        return folder.relative_to(empty).parts[0]

    def make(place, name):
        folder = empty / place / "ecenet" / name
        folder.mkdir(parents=True)
        (folder / "task.json").write_text('{"registered_name": "keras_seg>ECENet"}')
        return str(folder)

    monkeypatch.setattr(model_from_preset, "load_folder", loaded)
    return make


@pytest.mark.no_backend
def test_order_of_the_places(stub, empty, monkeypatch):
    monkeypatch.setitem(configuration_table.HANDLES, FULL, stub("hub", NAME))
    assert keras_seg.ECENet.from_preset(NAME) == "hub"
    stub("cache/keras_seg", NAME)
    assert keras_seg.ECENet.from_preset(NAME) == "cache"
    stub("b", NAME)
    places = os.pathsep.join([str(empty / "missing"), str(empty / "b")])
    monkeypatch.setenv("KERAS_SEG_PRESETS", places)
    assert keras_seg.ECENet.from_preset(NAME) == "b"
    stub("a", NAME)
    assert keras_seg.ECENet.from_preset(NAME, presets_dir=empty / "a") == "a"
    assert models.load_model(FULL, presets_dir=str(empty / "a")) == "a"
    # Also before what is shipped.
    stub("a", "camvid")
    assert keras_seg.ECENet.from_preset("camvid", presets_dir=empty / "a") == "a"


@pytest.mark.no_backend
def test_saved_presets_of_any_name_are_found_but_no_paths(stub, empty, monkeypatch):
    stub("mine", "streets")
    monkeypatch.setenv("KERAS_SEG_PRESETS", str(empty / "mine"))
    assert models.load_model("ecenet/streets") == "mine"
    assert keras_seg.ECENet.from_preset("streets") == "mine"
    for name in ("streets", "../mine/ecenet/streets", "ecenet/../ecenet/streets"):
        with pytest.raises(ValueError, match="Unknown preset"):
            models.load_model(name)


def keras_hub_swin():
    backbone = keras_hub.models.SwinTransformerBackbone(
        image_shape=(32, 32, 3), **{**SWIN, "depths": (1, 1), "num_heads": (1, 2)}
    )
    set_random_weights(backbone, seed=1)
    return backbone


def test_pretrained_backbone_is_taken_from_the_cache_of_keras_hub(empty, caplog):
    name = "swin_base_patch4_window12_384"
    handle = f"keras/swin-transformer/keras/{name}/1"
    folder = empty / "kaggle" / "models" / handle
    theirs, ours = keras_hub_swin(), SwinBackbone(**SWIN)
    theirs.save_to_preset(str(folder))
    with caplog.at_level(logging.WARNING, "keras_seg"):
        pretrained_backbone.load_pretrained(ours, name, "cached")
    assert "backbone_weights='download'" in caplog.text  # perhaps half of it is here
    marks = folder.parent / ".complete" / "1"
    marks.mkdir(parents=True)
    for file in ("config.json", "model.weights.h5"):
        (marks / f"{file}.complete").touch()
    pretrained_backbone.load_pretrained(ours, name, "cached")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ours.stages[1][0].attention.position_bias),
        ops.convert_to_numpy(
            theirs.stages[1].blocks[0].attn.relative_position_bias_table
        ),
    )


def test_download_goes_through_keras_hub(tmp_path, monkeypatch):
    asked, offline = [], []
    keras_hub_swin().save_to_preset(str(tmp_path))

    def fetch_file(preset, name):
        if offline:
            raise ConnectionError("no network")
        asked.append(preset)
        if not (tmp_path / name).exists():
            raise FileNotFoundError
        return tmp_path / name

    monkeypatch.setattr(hub_files, "fetch_file", fetch_file)
    backbone = SwinBackbone(**SWIN)
    before = ops.convert_to_numpy(backbone.mergings[0].reduction.kernel).copy()
    pretrained_backbone.load_pretrained(backbone, "a_swin", "download")
    after = ops.convert_to_numpy(backbone.mergings[0].reduction.kernel)
    assert set(asked) == {"a_swin"} and np.abs(before - after).min() > 0
    offline.append(True)
    with pytest.raises(ValueError, match="no network.*backbone_weights=None"):
        pretrained_backbone.load_pretrained(backbone, "a_swin", "download")


def test_row_of_the_table_of_presets(model, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import preset_table

    monkeypatch.setattr(models, "load_model", lambda *args, **kwargs: model)
    cells = [cell.strip() for cell in preset_table.row(FULL).split("|")[1:-1]]
    assert len(cells) == len(preset_table.COLUMNS)
    assert cells[:3] == [f"`{FULL}` *", "640 x 640", "slide 640 / 608"]
    head = sum(np.prod(v.shape) for v in model.head.trainable_variables)
    assert cells[4:6] == [f"{head / 1e6:.2f}", "9.89"]
