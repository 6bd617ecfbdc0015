import json
import logging
import shutil
from pathlib import Path

import h5py
import keras
import keras_hub
import numpy as np
import pytest
from tiny_ecenet import images, logits_of, tiny_backbone, tiny_ecenet, weights_of

import keras_seg
from keras_seg import models
from keras_seg.models import Segmenter
from keras_seg.presets.store_as_float16 import store_as_float16

NAMES = ["dark", "red", "green"]
PALETTE = [[40, 40, 200], [220, 60, 60], [60, 180, 75]]
FILES = [
    "config.json",
    "metadata.json",
    "model.weights.h5",
    "preprocessor.json",
    "task.json",
    "task.weights.h5",
]


@pytest.fixture(scope="module")
def model():
    return tiny_ecenet(class_names=NAMES, palette=PALETTE, freeze_backbone_norm=True)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "saved"
    model.save_to_preset(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to break."""
    return Path(shutil.copytree(saved, tmp_path / "preset"))


def change_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def forget_hashes(folder):
    change_json(folder / "metadata.json", lambda content: content.pop("sha256"))


def assert_same_weights(copy, model):
    for left, right in zip(copy.weights, model.weights, strict=True):
        left, right = map(keras.ops.convert_to_numpy, (left, right))
        np.testing.assert_array_equal(left, right)


def entries(path):
    return sorted(entry.name for entry in path.iterdir())


# --- Saving ---


def test_round_trip_is_exact(model, saved):
    assert entries(saved) == FILES
    copy = keras_seg.ECENet.from_preset(saved)
    assert type(copy) is keras_seg.ECENet
    np.testing.assert_array_equal(logits_of(copy), logits_of(model))
    for key in ("class_names", "palette", "freeze_backbone_norm", "hidden_dim"):
        assert copy.get_config()[key] == model.get_config()[key], key
    assert copy.optimizer is not None


def test_saving_is_reproducible_without_time_and_path(model, saved, tmp_path):
    model.optimizer.build(model.trainable_variables)  # must not be saved
    model.save_to_preset(tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()
    text = "".join(path.read_text() for path in saved.glob("*.json"))
    assert str(saved.parent) not in text and "date" not in text
    assert entries(tmp_path) == ["again"]


def test_float16_halves_kernels_and_keeps_other_weights(model, tmp_path):
    before = weights_of(model)
    large = model.head.classifier.kernel
    tiny = model.head.fusion.kernel
    kept = {}
    for variable, factor in ((large, 1e7), (tiny, 1e-9)):
        variable.assign(variable * factor)
        kept[variable.path] = keras.ops.convert_to_numpy(variable)
    try:
        model.save_to_preset(tmp_path / "half", storage_dtype="float16")
    finally:
        for variable in (large, tiny):
            variable.assign(before[variable.path])
    copy = keras_seg.ECENet.from_preset(tmp_path / "half", name=model.name)
    after = weights_of(copy)
    assert set(after) == set(before)
    changed = 0
    for path, value in after.items():
        assert value.dtype == "float32"
        if path in kept or value.ndim < 2:
            np.testing.assert_array_equal(value, kept.get(path, before[path]), path)
        else:
            error = np.abs(value - before[path]).max()
            assert error <= np.abs(before[path]).max() / 2**11, path
            changed += error > 0
    assert changed > 20
    with h5py.File(tmp_path / "half" / "model.weights.h5") as file:
        arrays = []
        file.visititems(lambda name, item: arrays.append(item))
        types = {(a.dtype.name, a.ndim > 1) for a in arrays if hasattr(a, "dtype")}
    assert types == {("float16", True), ("float32", False)}


def test_float16_is_smaller(tmp_path):
    network = keras.Sequential([keras.Input((200,)), keras.layers.Dense(200)])
    path = tmp_path / "model.weights.h5"
    network.save_weights(path)
    full = path.stat().st_size
    store_as_float16(path)
    assert path.stat().st_size < 0.51 * full
    assert entries(tmp_path) == ["model.weights.h5"]
    network.load_weights(path)


@pytest.mark.no_backend
def test_unknown_storage_dtype(model, tmp_path):
    with pytest.raises(ValueError, match="storage_dtype='int8'"):
        model.save_to_preset(tmp_path / "x", storage_dtype="int8")
    assert entries(tmp_path) == []


def test_a_preset_is_replaced_and_its_card_stays(model, folder):
    (folder / "README.md").write_text("card")
    (folder / "model.weights.h5").write_bytes(b"old")
    model.save_to_preset(folder)
    assert (folder / "README.md").read_text() == "card"
    assert entries(folder) == sorted([*FILES, "README.md"])
    assert entries(folder.parent) == ["preset"]
    keras_seg.ECENet.from_preset(folder)


def test_saving_into_an_empty_folder(model, tmp_path):
    (tmp_path / "empty").mkdir()
    model.save_to_preset(tmp_path / "empty")
    assert entries(tmp_path / "empty") == FILES


@pytest.mark.no_backend
def test_other_folders_and_files_are_not_changed(model, folder, tmp_path):
    (folder / "notes.txt").write_text("precious")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "README.md").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for name in ("preset", "photos", "file"):
        before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        with pytest.raises(FileExistsError, match=name):
            model.save_to_preset(tmp_path / name)
        assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


def test_failed_saving_keeps_the_old_preset(model, folder, monkeypatch):
    def full_disk(path):
        raise OSError("No space left on device")

    monkeypatch.setattr(model, "save_task_weights", full_disk)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OSError, match="No space"):
        model.save_to_preset(folder)
    assert before == {path: path.read_bytes() for path in folder.iterdir()}
    assert entries(folder.parent) == ["preset"]


# --- Loading ---


def test_without_weights(saved, folder):
    for path in folder.glob("*.h5"):
        path.unlink()
    copy = keras_seg.ECENet.from_preset(folder, load_weights=False)
    assert copy.class_names == NAMES
    loaded, fresh = (
        keras.ops.convert_to_numpy(m.head.classifier.bias)
        for m in (keras_seg.ECENet.from_preset(saved), copy)
    )
    assert np.all(loaded != 0) and np.all(fresh == 0)


@pytest.mark.parametrize("num_classes", [3, 5])
def test_num_classes_replaces_the_class_layers_only(model, saved, num_classes, caplog):
    with caplog.at_level(logging.WARNING, logger="keras_seg"):
        other = keras_seg.ECENet.from_preset(
            saved, num_classes=num_classes, name=model.name
        )
    assert [r.getMessage() for r in caplog.records] == [
        f"ECENet: the class layers are new for num_classes={num_classes} and must be "
        f"trained; all other weights are those of '{saved}'."
    ]
    assert other.num_classes == num_classes
    assert other.class_names is None and other.palette is None
    assert other.output_shape == (None, None, None, num_classes)
    new = {w.path for layer in other.head.class_layers for w in layer.weights}
    before = weights_of(model)
    for path, value in weights_of(other).items():
        if path not in new:
            np.testing.assert_array_equal(value, before[path], path)
        elif value.ndim == 1:
            assert np.all(value == 0), path  # a new bias
    assert 0 < len(new) < len(before) / 2


def test_new_class_layers_are_not_calibrated(tmp_path):
    folder = tmp_path / "calibrated"
    tiny_ecenet(temperature=1.5).save_to_preset(folder)
    assert keras_seg.ECENet.from_preset(folder).temperature == 1.5
    new = {"load_weights": False, "num_classes": 4}
    assert keras_seg.ECENet.from_preset(folder, **new).temperature == 1
    given = keras_seg.ECENet.from_preset(folder, **new, temperature=1.2)
    assert given.temperature == 1.2


def test_names_of_the_new_classes(saved):
    names = ["a", "b"]
    other = keras_seg.ECENet.from_preset(saved, num_classes=2, class_names=names)
    assert other.class_names == names and other.palette is None


def test_arguments_replace_what_was_saved(saved):
    copy = keras_seg.ECENet.from_preset(
        saved, input_scale=2.0, dtype="mixed_bfloat16", compile=False
    )
    assert copy.input_scale == 2.0 and copy.resize_to_multiple.scale == 2.0
    assert copy.head.compute_dtype == copy.backbone.compute_dtype == "bfloat16"
    assert copy.head.variable_dtype == "float32"
    assert copy.preprocessor.compute_dtype == "bfloat16"
    assert not copy.compiled
    layer = keras.layers.Rescaling(1 / 255)
    assert keras_seg.ECENet.from_preset(saved, preprocessor=layer).preprocessor is layer


def test_wrong_arguments(saved):
    with pytest.raises(ValueError, match=r"\['input_size'\].*input_scale"):
        keras_seg.ECENet.from_preset(saved, input_size=2)
    with pytest.raises(ValueError, match="do not fit the model.*load_weights=False"):
        keras_seg.ECENet.from_preset(saved, hidden_dim=12)
    assert keras_seg.ECENet.from_preset(saved, False, hidden_dim=12).num_classes == 3


def test_the_class_is_that_of_the_preset(saved):
    @keras.saving.register_keras_serializable(package="tests_of_presets")
    class OtherNet(Segmenter):
        pass

    class BetterECENet(keras_seg.ECENet):
        pass

    assert type(models.load_model(str(saved), False)) is keras_seg.ECENet
    loaded = models.load_model(saved, False, auxiliary_weights={"mask": 3.0})
    assert loaded.auxiliary_weights["mask"] == 3.0
    with pytest.raises(ValueError, match=r"ECENet.* not know.*\['memory_momentum'\]"):
        models.load_model(saved, memory_momentum=0.1)
    assert type(BetterECENet.from_preset(saved, False)) is BetterECENet
    with pytest.raises(ValueError, match="of class ECENet, not OtherNet"):
        OtherNet.from_preset(saved)


def test_applications_backbone_round_trip(tmp_path):
    model = keras_seg.ECENet(
        keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        num_classes=2,
        hidden_dim=8,
        compile=False,
    )
    model.save_to_preset(tmp_path / "preset")
    copy = models.load_model(tmp_path / "preset")
    assert_same_weights(copy, model)
    assert copy.backbone.get_config() == model.backbone.get_config()


# --- Damaged and foreign files ---


def test_changed_weights_are_found(folder):
    path = folder / "task.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged or was changed. Expected SHA-256"):
        keras_seg.ECENet.from_preset(folder)
    keras_seg.ECENet.from_preset(folder, load_weights=False)


def test_truncated_weights(folder):
    path = folder / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ValueError, match="model.weights.h5' is damaged"):
        keras_seg.ECENet.from_preset(folder)
    forget_hashes(folder)
    with pytest.raises(ValueError, match="model.weights.h5' cannot be read as HDF5"):
        keras_seg.ECENet.from_preset(folder)


def test_missing_weights(folder):
    (folder / "task.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match="task.weights.h5' is missing"):
        keras_seg.ECENet.from_preset(folder)
    forget_hashes(folder)
    with pytest.raises(FileNotFoundError, match="task.weights.h5' is missing"):
        keras_seg.ECENet.from_preset(folder)


def test_huge_weights_are_not_read(folder):
    forget_hashes(folder)
    with h5py.File(folder / "task.weights.h5", "a") as file:
        file.create_dataset("bomb", shape=(2**31,), dtype="float32", chunks=(2**20,))
    with pytest.raises(ValueError, match="declares 8,.* expected at most"):
        keras_seg.ECENet.from_preset(folder)


def test_links_in_weights_are_not_followed(folder):
    forget_hashes(folder)
    with h5py.File(folder / "model.weights.h5", "a") as file:
        variables = file["layers/conv2d/vars"]
        del variables["0"]
        variables["0"] = h5py.ExternalLink("task.weights.h5", "layers")
    with pytest.raises(ValueError, match="ExternalLink"):
        keras_seg.ECENet.from_preset(folder)


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "must hold a JSON object"),
        (" " * 2**21, "expected at most 1,048,576"),
        ("{}", "not a known model"),
        ('{"registered_name": "keras_seg>ECENet"}', "has no config of a model"),
    ],
)
def test_broken_json(folder, text, message):
    (folder / "task.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        keras_seg.ECENet.from_preset(folder)


FOREIGN = [
    {"module": "keras.layers", "class_name": "Lambda", "config": {}},
    {"module": "keras.layers", "class_name": "TFSMLayer", "config": {}},
    {"module": "os", "class_name": "system", "config": "true"},
    {"module": "keras_hub.tokenizers", "class_name": "BytePairTokenizer", "config": {}},
    {"module": None, "registered_name": "keras_hub>BytePairTokenizer", "config": {}},
    {"module": None, "registered_name": "nowhere>Thing", "config": {}},
    {"class_name": "__lambda__", "config": {"value": "x"}},
    {"class_name": ["list"], "config": {}},
    {
        "module": "keras.layers",
        "class_name": "Rescaling",
        "registered_name": "keras_hub>BytePairTokenizer",
        "config": {},
    },
]


@pytest.mark.no_backend
@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("place", ["preprocessor", "backbone", "palette"])
def test_foreign_classes_are_refused(folder, foreign, place, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("something was constructed")

    monkeypatch.setattr(keras_seg.ECENet, "from_config", fail)

    def change(content):
        content["config"][place] = [foreign] if place == "palette" else foreign

    change_json(folder / "task.json", change)
    with pytest.raises(ValueError, match="task.json' (names the class|has no config)"):
        keras_seg.ECENet.from_preset(folder)


@pytest.mark.no_backend
@pytest.mark.parametrize("name", ["os>system", "keras_seg>Nothing", None, 3, []])
def test_foreign_models_are_refused(folder, name):
    change_json(folder / "task.json", lambda task: task.update(registered_name=name))
    with pytest.raises(ValueError, match="not a known model"):
        keras_seg.ECENet.from_preset(folder)


@pytest.mark.no_backend
def test_weights_from_elsewhere_are_refused(folder):
    def change(content):
        content["config"]["backbone"]["config"]["weights"] = "imagenet"

    change_json(folder / "task.json", change)
    with pytest.raises(ValueError, match="weights from elsewhere: 'imagenet'"):
        keras_seg.ECENet.from_preset(folder)


# --- keras-hub ---


@pytest.fixture(scope="module")
def backbone_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "backbone"
    backbone = tiny_backbone()
    kernel = backbone.weights[0]
    kernel.assign(kernel * 0 + 0.5)
    backbone.save_to_preset(str(folder))
    keras_hub.layers.ResNetImageConverter(
        image_size=(8, 8), scale=1 / 255, offset=[-0.5, -0.4, -0.3]
    ).save_to_preset(str(folder))
    return folder


@pytest.fixture(params=["folder", "name", "handle"])
def backbone_preset(request, backbone_folder, monkeypatch):
    from keras_hub.src.utils import preset_utils

    def download(repo_id, filename):
        assert repo_id == "user/tiny_resnet"
        if not (backbone_folder / filename).exists():
            raise preset_utils.EntryNotFoundError("no such file")
        return str(backbone_folder / filename)

    hub = type("hub", (), {"hf_hub_download": staticmethod(download)})
    monkeypatch.setattr(preset_utils, "huggingface_hub", hub)
    entry = {"kaggle_handle": str(backbone_folder)}
    monkeypatch.setitem(preset_utils.BUILTIN_PRESETS, "tiny_resnet", entry)
    monkeypatch.setitem(
        preset_utils.BUILTIN_PRESETS_FOR_BACKBONE,
        keras_hub.models.ResNetBackbone,
        {"tiny_resnet": entry},
    )
    return {
        "folder": str(backbone_folder),
        "name": "tiny_resnet",
        "handle": "hf://user/tiny_resnet",
    }[request.param]


def test_backbone_of_keras_hub_gets_a_new_head(backbone_preset):
    model = keras_seg.ECENet.from_preset(
        backbone_preset, num_classes=4, hidden_dim=8, num_heads=2
    )
    assert np.all(keras.ops.convert_to_numpy(model.backbone.weights[0]) == 0.5)
    image = images(40)
    scaled = keras.ops.convert_to_numpy(model.preprocessor(image))
    np.testing.assert_allclose(
        scaled, image / 255 + np.array([-0.5, -0.4, -0.3]), atol=1e-6
    )
    assert model.output_shape == (None, None, None, 4)
    random = keras_seg.ECENet.from_preset(
        backbone_preset, load_weights=False, num_classes=4, hidden_dim=8, num_heads=2
    )
    assert not np.all(keras.ops.convert_to_numpy(random.backbone.weights[0]) == 0.5)


def test_model_with_a_converter_round_trips(backbone_folder, tmp_path):
    model = keras_seg.ECENet.from_preset(
        backbone_folder, num_classes=2, hidden_dim=8, num_heads=2
    )
    model.save_to_preset(tmp_path / "preset")
    copy = keras_seg.ECENet.from_preset(tmp_path / "preset")
    assert_same_weights(copy, model)
    assert copy.preprocessor.get_config() == model.preprocessor.get_config()


@pytest.mark.no_backend
def test_backbone_needs_classes_and_a_model_class(backbone_preset):
    with pytest.raises(ValueError, match="holds a backbone.*num_classes"):
        keras_seg.ECENet.from_preset(backbone_preset)
    with pytest.raises(ValueError, match="holds a backbone.*keras_seg.ECENet"):
        models.load_model(backbone_preset)


def test_model_of_ours_behind_a_handle(model, saved, monkeypatch):
    from keras_hub.src.utils import preset_utils

    asked = []

    def download(repo_id, filename):
        asked.append(filename)
        return str(saved / filename)

    hub = type("hub", (), {"hf_hub_download": staticmethod(download)})
    monkeypatch.setattr(preset_utils, "huggingface_hub", hub)
    assert_same_weights(models.load_model("hf://user/ours"), model)
    asked.clear()
    keras_seg.ECENet.from_preset("hf://user/ours", load_weights=False)
    assert not [name for name in asked if name.endswith(".h5")]


@pytest.mark.no_backend
def test_foreign_backbone_config_is_refused(backbone_folder, tmp_path):
    folder = Path(shutil.copytree(backbone_folder, tmp_path / "backbone"))
    change_json(folder / "config.json", lambda config: config.update(FOREIGN[5]))
    with pytest.raises(ValueError, match="names the class"):
        keras_seg.ECENet.from_preset(folder, num_classes=2)
