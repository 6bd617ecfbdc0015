"""Presets that lie: refused by our own checks, before Keras makes anything of them."""

import json
import logging
import os
import shutil
from pathlib import Path

import h5py
import keras
import keras_hub
import numpy as np
import pytest
from hostile_files import (
    change_json,
    compresses_much,
    declares_much,
    forget_hashes,
    nested_groups,
)
from tiny_backbone import TinyBackbone
from tiny_ecenet import tiny_backbone

import keras_seg
from keras_seg import models
from keras_seg.keras_internals.limit_weights import limit_weights
from keras_seg.presets import check_config

LAMBDA = {"class_name": "__lambda__", "config": {"value": "x"}}
RESCALING = {
    "module": "keras.layers",
    "class_name": "Rescaling",
    "config": {"scale": 1.0},
    "registered_name": None,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "saved"
    model = keras_seg.ECENet(TinyBackbone(), 3, hidden_dim=8, num_heads=2)
    model.save_to_preset(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to break, which no hash protects."""
    copy = Path(shutil.copytree(saved, tmp_path / "preset"))
    forget_hashes(copy)
    return copy


@pytest.fixture(scope="module")
def backbone_saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "backbone"
    tiny_backbone().save_to_preset(str(folder))
    keras_hub.layers.ResNetImageConverter(scale=1 / 255).save_to_preset(str(folder))
    return folder


@pytest.fixture(params=["folder", "handle"])
def backbone_folder(request, backbone_saved, tmp_path, monkeypatch):
    """A copy to break, and the name by which it is loaded."""
    from keras_hub.src.utils import preset_utils

    copy = Path(shutil.copytree(backbone_saved, tmp_path / "backbone"))

    def download(repo_id, filename):
        if not (copy / filename).exists():
            raise preset_utils.EntryNotFoundError("no such file")
        return str(copy / filename)

    hub = type("hub", (), {"hf_hub_download": staticmethod(download)})
    monkeypatch.setattr(preset_utils, "huggingface_hub", hub)
    return copy, str(copy) if request.param == "folder" else "hf://user/backbone"


@pytest.fixture
def nothing_is_made(monkeypatch):
    """Fails as soon as Keras or keras-hub is asked to make something of a config."""

    def fail(*args, **kwargs):
        raise RuntimeError("something was made")

    monkeypatch.setattr(keras.saving, "deserialize_keras_object", fail)
    monkeypatch.setattr(keras.layers, "deserialize", fail)
    monkeypatch.setattr(keras_hub.layers.ImageConverter, "from_config", fail)
    monkeypatch.setattr(keras_hub.models.Backbone, "from_config", fail)
    monkeypatch.setattr(keras_seg.ECENet, "from_config", fail)


def load(folder, **kwargs):
    return keras_seg.ECENet.from_preset(folder, **kwargs)


def of_converter(**entries):
    def change(content):
        content.clear()
        content.update(entries)

    return change


# --- Classes ---


@pytest.mark.parametrize(
    "config",
    [
        {**RESCALING, "class_name": "TFSMLayer", "config": {"filepath": "x"}},
        {**RESCALING, "class_name": "Lambda"},
        RESCALING,  # a good class in the wrong place
        {
            "module": "keras_hub.layers",
            "class_name": "ImageConverter",
            "registered_name": "keras_hub>BytePairTokenizer",
            "config": {},
        },
        {
            "module": "builtins",
            "class_name": "__lambda__",
            "registered_name": "keras_hub>ResNetImageConverter",
            "config": {"value": "x"},
        },
        {"config": {}},
        {},
    ],
)
@pytest.mark.usefixtures("nothing_is_made")
def test_image_converter_of_another_class(config, backbone_folder):
    folder, preset = backbone_folder
    change_json(folder / "image_converter.json", of_converter(**config))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras_hub.models.Backbone, "from_config", lambda config: None)
        with pytest.raises(ValueError, match="image_converter.json' names the class"):
            load(preset, num_classes=2, load_weights=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", [10**9, 10**9]),
        ("scale", "1"),
        ("scale", {**RESCALING, "class_name": "Lambda"}),
        ("offset", 1e300),
        ("origin", "https://example.org/x"),
    ],
)
def test_fields_of_an_image_converter(name, value, backbone_folder):
    folder, preset = backbone_folder
    path = folder / "image_converter.json"
    change_json(path, lambda content: content["config"].update({name: value}))
    with pytest.raises(ValueError, match="image_converter.json' "):
        load(preset, num_classes=2, load_weights=False)


@pytest.mark.parametrize("name", ["__lambda__", "Lambda", "CPT", None, ["ECENet"], 3])
@pytest.mark.parametrize("place", [(), ("config", "backbone"), ("config",)])
@pytest.mark.usefixtures("nothing_is_made")
def test_class_name_must_be_that_of_the_registered_class(name, place, folder):
    def change(content):
        for key in place:
            content = content[key]
        content["class_name"] = name

    change_json(folder / "task.json", change)
    with pytest.raises(ValueError, match="task.json' names the class"):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "preprocessor.json"])
@pytest.mark.usefixtures("nothing_is_made")
def test_files_that_only_other_libraries_read_are_checked(name, folder):
    change_json(folder / name, lambda content: content["config"].update(dtype=LAMBDA))
    with pytest.raises(ValueError, match=f"{name}' names the class"):
        load(folder)


@pytest.mark.usefixtures("nothing_is_made")
def test_class_in_the_wrong_place(folder):
    def change(content):
        content["config"]["backbone"] = content["config"]["preprocessor"]

    change_json(folder / "task.json", change)
    with pytest.raises(ValueError, match="Rescaling as 'backbone', expected one of"):
        load(folder)


def test_schedules_are_allowed_in_place_of_numbers(tmp_path):
    schedule = keras_seg.optimizers.PolynomialDecay(0.1, 10)
    model = keras_seg.CPT(
        TinyBackbone(), 3, hidden_dim=8, num_heads=2, memory_momentum=schedule
    )
    model.save_to_preset(tmp_path / "preset")
    copy = models.load_model(tmp_path / "preset")
    assert copy.head.get_config() == model.head.get_config()


# --- Fields ---

ABSURD = [
    ("hidden_dim", 100_000),
    ("hidden_dim", 10**400),
    ("hidden_dim", 8.5),
    ("hidden_dim", True),
    ("hidden_dim", [8]),
    ("num_heads", 10**6),
    ("num_classes", 10**9),
    ("input_scale", 1e9),
    ("input_scale", "2"),
    ("size_multiple", 10**9),
    ("long_side", -1),
    ("crop_size", [10**9, 1]),
    ("temperature", 0),
    ("class_names", [1, 2, 3]),
    ("class_names", "abc"),
    ("palette", [[300, 0, 0]] * 3),
    ("palette", [[[[[[0]]]]]]),
    ("reasoner", {"depth": 10**6}),
    ("reasoner", {"num_regions": 10**6}),
    ("auxiliary_weights", {"mask": 1e308}),
    ("test_protocol", {"a": {"b": {"c": {"d": {"e": {}}}}}}),
    ("surprise", 1),
    ("name", "x" * 5000),
    ("ignore_class", 2**63),
]


@pytest.mark.parametrize(("name", "value"), ABSURD)
@pytest.mark.parametrize("load_weights", [True, False])
@pytest.mark.usefixtures("nothing_is_made")
def test_absurd_fields_of_a_model(name, value, load_weights, folder):
    path = folder / "task.json"
    change_json(path, lambda content: content["config"].update({name: value}))
    inner = f"'({name}|depth|num_regions|mask|d)'"
    with pytest.raises(ValueError, match=f"task.json' has (the field )?{inner}"):
        load(folder, load_weights=load_weights)


@pytest.mark.parametrize(
    ("name", "value"), [("num_levels", 10**6), ("width", 10**6), ("width", [1e999])]
)
@pytest.mark.usefixtures("nothing_is_made")
def test_absurd_fields_of_a_backbone(name, value, folder):
    def change(content):
        content["config"]["backbone"]["config"][name] = value

    change_json(folder / "task.json", change)
    with pytest.raises(ValueError, match=f"task.json' (has '{name}'|is not valid)"):
        load(folder)


@pytest.mark.parametrize(
    "config",
    [
        {"embed_dim": 8, "depths": [10**6], "num_heads": [1]},
        {"embed_dim": 8, "depths": [100] * 10, "num_heads": [1]},
        {"embed_dim": 8, "depths": [0] * 10**5, "num_heads": [1] * 10**5},
        {"embed_dim": 10**5, "depths": [1], "num_heads": [1]},
        {"embed_dim": 8, "depths": [1], "num_heads": [1], "window_size": 10**6},
        {"embed_dim": 8, "depths": [1], "num_heads": [10**6]},
        {"embed_dim": 8, "depths": [1], "num_heads": [1], "weights": "/etc/passwd"},
    ],
)
def test_absurd_swin(config):
    config = {
        "module": None,
        "class_name": "SwinBackbone",
        "registered_name": "keras_seg>SwinBackbone",
        "config": config,
    }
    with pytest.raises(ValueError, match="a.json' (has|asks for weights)"):
        check_config.check_config(config, "a.json", check_config.BACKBONES)


@pytest.mark.parametrize(
    "backbone",
    [
        lambda: keras_seg.backbones.SwinBackbone(8, [1, 1], [1, 2], window_size=4),
        lambda: keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        lambda: keras_hub.models.MiTBackbone(
            layerwise_depths=[1, 1],
            num_layers=2,
            layerwise_num_heads=[1, 2],
            layerwise_sr_ratios=[2, 1],
            max_drop_path_rate=0.1,
            layerwise_patch_sizes=[7, 3],
            layerwise_strides=[4, 2],
            hidden_dims=[8, 16],
            image_shape=(32, 32, 3),
        ),
        tiny_backbone,
        TinyBackbone,
    ],
)
def test_configs_of_good_backbones_pass(backbone):
    config = keras.saving.serialize_keras_object(backbone())
    config = json.loads(json.dumps(config))
    config = {k: v for k, v in config.items() if k in check_config.KEYS}
    check_config.check_config(config, "a.json", check_config.BACKBONES)


def test_weights_are_counted_before_they_are_made(folder):
    """A field within its limits, of a model that the files do not hold."""
    path = folder / "task.json"
    change_json(path, lambda content: content["config"].update(hidden_dim=4096))
    with pytest.raises(ValueError, match="cannot be made.*would hold more than"):
        load(folder)


@pytest.mark.parametrize(
    "config",
    [
        {"pyramid_layers": {"P" + "9" * 12: "block_3_expand_relu"}},  # a power of two
        {"alpha": 1e300},
        {"weights": "imagenet"},
        {"include_top": True},
        {"input_tensor": None},
        {"network": 3},
    ],
)
def test_absurd_network_of_keras_applications(config):
    config = {
        "module": None,
        "class_name": "ApplicationsBackbone",
        "registered_name": "keras_seg>ApplicationsBackbone",
        "config": {"network": "MobileNetV2", **config},
    }
    with pytest.raises(ValueError, match="a.json' (has|asks for weights)"):
        check_config.check_config(config, "a.json", check_config.BACKBONES)


def test_translated_backbones_are_limited(tmp_path, monkeypatch):
    """Those of other libraries, which keras-hub reads."""

    def from_preset(preset, load_weights):
        keras.layers.Dense(2**16).build((None, 2**16))

    path = tmp_path / "config.json"
    path.write_text('{"architecture": "resnet18"}')
    monkeypatch.setattr(
        keras_hub.models.FeaturePyramidBackbone, "from_preset", from_preset
    )
    with pytest.raises(ValueError, match="config.json' cannot be loaded.*more than"):
        load(tmp_path, num_classes=2)
    path.write_text('{"architecture": NaN}')
    with pytest.raises(ValueError, match="config.json' is not valid JSON"):
        load(tmp_path, num_classes=2)


def test_limit_of_weights_is_of_one_thread_and_ends():
    with pytest.raises(ValueError, match="more than 100 weights"), limit_weights(100):
        keras.layers.Dense(100).build((None, 100))
    keras.layers.Dense(100).build((None, 100))


# --- Files ---


@pytest.mark.parametrize("name", ["task.json", "metadata.json", "config.json"])
def test_devices_and_pipes_are_no_files(name, folder):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ValueError, match=f"{name}' is not a regular file"):
        load(folder)


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/hostname", "../outside.json"])
def test_links_out_of_the_folder(target, folder):
    (folder.parent / "outside.json").write_text("{}")
    (folder / "task.json").unlink()
    (folder / "task.json").symlink_to(target)
    with pytest.raises(ValueError, match="task.json' is a symbolic link to"):
        load(folder)


def test_circles_of_links(folder):
    (folder / "task.json").unlink()
    (folder / "task.json").symlink_to("task.json")
    with pytest.raises((ValueError, OSError), match="task.json"):
        load(folder)


def test_links_inside_the_cache_of_a_hub(saved, tmp_path):
    snapshot, blobs = tmp_path / "snapshots" / "1", tmp_path / "blobs"
    shutil.copytree(saved, blobs)
    snapshot.mkdir(parents=True)
    for path in blobs.iterdir():
        (snapshot / path.name).symlink_to(path)
    assert load(snapshot).num_classes == 3


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe{",
        b'{"a": ' * 900 + b"1" + b"}" * 900,
        b'{"registered_name": "keras_seg>ECENet", "config": NaN}',
        b'{"config": ' + b"9" * 10_000 + b"}",
        b"",
        b"null",
    ],
)
@pytest.mark.parametrize("name", ["task.json", "metadata.json", "config.json"])
def test_broken_json(name, text, folder):
    (folder / name).write_bytes(text)
    with pytest.raises(ValueError, match=f"{name}' "):
        load(folder)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (nested_groups, "levels deep"),
        (declares_much, "declares 3,145,728,000 bytes in '/a' and holds 0"),
        (compresses_much, "in chunks or compressed"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(900)), "cut short"),
        (lambda path: os.truncate(path, 2000), "cut short or damaged"),
    ],
)
@pytest.mark.parametrize("name", ["model.weights.h5", "task.weights.h5"])
def test_weights_that_are_not_there(name, write, message, folder):
    write(folder / name)
    with pytest.raises(ValueError, match=f"{name}' .*{message}"):
        load(folder)


def change_array(folder, change):
    with h5py.File(folder / "model.weights.h5", "a") as file:
        variables = file["layers/conv2d/vars"]
        array = variables["0"][()]
        del variables["0"]
        change(variables, array)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, a: v.update({"0": a * np.nan}), "not finite"),
        (lambda v, a: v.update({"0": "text"}), "has no numbers"),
        (lambda v, a: v.update({"0": h5py.SoftLink("/layers")}), "SoftLink"),
        (lambda v, a: v.create_group("0"), "do not fit the model"),
        (lambda v, a: None, "do not fit the model"),
        (lambda v, a: v.update({"0": a[:1]}), "do not fit the model"),
    ],
)
def test_arrays_of_another_kind(change, message, folder):
    class Variables:
        """`update` of a group as that of a dictionary."""

        def __init__(self, group):
            self.group, self.create_group = group, group.create_group

        def update(self, entries):
            for name, value in entries.items():
                self.group[name] = value

    change_array(folder, lambda v, a: change(Variables(v), a))
    with pytest.raises(ValueError, match=message):
        load(folder)


# --- Hashes ---


@pytest.mark.parametrize("name", ["task.json", "config.json", "preprocessor.json"])
def test_hashes_cover_the_configs(name, saved, tmp_path):
    folder = Path(shutil.copytree(saved, tmp_path / "preset"))
    hashes = json.loads((folder / "metadata.json").read_text())["sha256"]
    assert set(hashes) == {p.name for p in folder.iterdir()} - {"metadata.json"}
    (folder / name).write_text((folder / name).read_text() + "\n")
    for load_weights in (True, False):
        with pytest.raises(ValueError, match=f"{name}' is damaged or was changed"):
            load(folder, load_weights=load_weights)


def test_saving_says_what_cannot_be_loaded(tmp_path, caplog):
    layer = keras.layers.Resizing(8, 8, name="preprocessor")
    model = keras_seg.ECENet(
        TinyBackbone(), 3, hidden_dim=8, num_heads=2, preprocessor=layer
    )
    with caplog.at_level(logging.WARNING, "keras_seg"):
        model.save_to_preset(tmp_path / "preset")
    (record,) = caplog.records
    assert "is saved, but" in record.getMessage()
    assert "'Resizing'" in record.getMessage()
    with pytest.raises(ValueError, match="'Resizing'"):
        load(tmp_path / "preset")
    assert load(tmp_path / "preset", preprocessor=layer).preprocessor is layer


def test_missing_hashes_are_said(saved, tmp_path, caplog):
    folder = Path(shutil.copytree(saved, tmp_path / "preset"))
    with caplog.at_level(logging.WARNING, "keras_seg"):
        load(folder)
    assert not caplog.records
    path = folder / "metadata.json"
    change_json(path, lambda content: content["sha256"].pop("task.json"))
    with caplog.at_level(logging.WARNING, "keras_seg"):
        load(folder)
        path.unlink()
        load(folder)
    one, all_of_them = [record.getMessage() for record in caplog.records]
    assert "has no SHA-256 of task.json, so" in one
    assert "task.weights.h5" in all_of_them and "preprocessor.json" in all_of_them
