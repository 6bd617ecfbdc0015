import json
from pathlib import Path

import numpy as np
import pytest
from make_golden_logits import NAME as GOLDEN_LOGITS
from make_golden_logits import STEP, golden_path
from make_golden_logits import logits_of as golden_logits
from tiny_ecenet import images, logits_of, tiny_ecenet

import keras_seg
from keras_seg import models, presets
from keras_seg.inference import segment
from keras_seg.models import Segmenter
from keras_seg.presets import shipped
from keras_seg.presets.preset_files import check_hashes, sha256
from keras_seg.presets.registry import PRESETS

PROJECT = Path(keras_seg.__file__).parents[1]
FULL_NAMES = [f"{model}/{name}" for model, names in PRESETS.items() for name in names]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that ships one preset: the model, its folder and its entry."""
    root = tmp_path_factory.mktemp("project")
    model, folder = tiny_ecenet(), root / "weights" / "ecenet_tiny"
    model.save_to_preset(folder, storage_dtype="float16")
    (folder / "README.md").write_text("card")
    files = {p.name: sha256(p) for p in folder.iterdir() if p.suffix != ".md"}
    entry = {"description": "A toy.", "folder": "ecenet_tiny", "files": files}
    return root, entry


@pytest.fixture
def entry(project, monkeypatch):
    root, entry = project
    entry = {**entry, "files": dict(entry["files"])}
    monkeypatch.setattr(shipped, "PACKAGE", root / "keras_seg")
    for model in PRESETS:
        monkeypatch.setitem(PRESETS, model, {})
    monkeypatch.setitem(PRESETS, "ECENet", {"tiny": entry})
    return entry


def test_names_and_descriptions(entry):
    assert presets.list_presets() == {"ecenet/tiny": "A toy."}
    assert keras_seg.ECENet.presets == {"tiny": "A toy."}
    assert Segmenter.presets == {"ecenet/tiny": "A toy."}


@pytest.mark.parametrize("name", ["tiny", "ecenet/tiny"])
def test_loads_by_name(entry, name):
    model = keras_seg.ECENet.from_preset(name)
    assert type(model) is keras_seg.ECENet and model.num_classes == 3
    assert np.all(np.isfinite(logits_of(model)))


def test_load_model_and_segment(entry):
    model = models.load_model("ecenet/tiny")
    image = images(40)[0, :, :33]
    labels = model.segment(image)
    assert labels.shape == (40, 33) and labels.dtype == "uint8"
    # Two runs on several threads differ in the last bit of a logit, so a tie may turn.
    assert np.mean(labels == segment(model, image)) > 0.99
    tiled = model.segment(image, tile=32, overlap=0.25, threshold=1.0)
    assert np.mean(tiled == segment(model, image, 32, 0.25, 1.0)) > 0.99
    assert np.any(tiled == model.ignore_class) and not np.any(labels == 255)


def test_wheel_folder_comes_first(project, entry, tmp_path, monkeypatch):
    root, _ = project
    package = tmp_path / "site-packages" / "keras_seg"
    folder = package / "presets" / "weights" / "ecenet_tiny"
    folder.mkdir(parents=True)
    for path in (root / "weights" / "ecenet_tiny").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(shipped, "PACKAGE", package)
    assert shipped.shipped_folder(entry) == folder
    assert models.load_model("ecenet/tiny").num_classes == 3


@pytest.mark.no_backend
@pytest.mark.parametrize("name", ["task.json", "model.weights.h5", "metadata.json"])
def test_hash_mismatch_names_file_hashes_and_fix(project, entry, name):
    found, entry["files"][name] = entry["files"][name], "0" * 64
    with pytest.raises(ValueError) as error:
        models.load_model("ecenet/tiny")
    message = str(error.value)
    for part in (name, "0" * 64, found, "Install keras-seg again"):
        assert part in message


def test_weights_are_not_verified_without_loading_them(entry):
    entry["files"]["model.weights.h5"] = "0" * 64
    keras_seg.ECENet.from_preset("tiny", load_weights=False)
    entry["files"]["task.json"] = "0" * 64
    with pytest.raises(ValueError, match="task.json"):
        keras_seg.ECENet.from_preset("tiny", load_weights=False)


@pytest.mark.no_backend
def test_missing_files(entry):
    entry["files"]["more.h5"] = "0" * 64
    with pytest.raises(FileNotFoundError, match="more.h5"):
        models.load_model("ecenet/tiny")
    entry["folder"] = "ecenet_gone"
    with pytest.raises(FileNotFoundError, match="weights/ecenet_gone"):
        models.load_model("ecenet/tiny")


@pytest.mark.no_backend
def test_unknown_names_list_the_known(entry):
    with pytest.raises(ValueError) as error:
        keras_seg.ECENet.from_preset("tinny")
    assert "Unknown preset 'tinny' for ECENet. Did you mean 'tiny'?" in str(error.value)
    assert "Known: tiny." in str(error.value)
    with pytest.raises(ValueError, match="Did you mean 'ecenet/tiny'.*Known: ecenet/"):
        models.load_model("ecenet/tinny")
    with pytest.raises(ValueError, match="Did you mean 'resnet_50_imagenet'"):
        keras_seg.ECENet.from_preset("resnet_50_imagent", num_classes=3)


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "name",
    [
        "",
        "../tiny",
        "ecenet/../ecenet/tiny",
        "/etc",
        "https://x.org/y",
        "a\0b",
        "x" * 9999,
    ],
)
def test_names_never_become_paths(entry, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError):
        models.load_model(name)


def test_a_folder_beside_wins_only_when_named_as_one(entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    assert keras_seg.ECENet.from_preset("tiny", load_weights=False).num_classes == 3
    with pytest.raises(ValueError, match="config.json"):
        keras_seg.ECENet.from_preset("./tiny", num_classes=3)


# --- What is really shipped ---


@pytest.mark.no_backend
@pytest.mark.parametrize("name", FULL_NAMES)
def test_shipped_files_are_there_and_whole(name):
    model, short = name.split("/")
    entry = PRESETS[model][short]
    folder = shipped.shipped_folder(entry)
    check_hashes(folder, entry["files"], "Restore the files or the registry.")
    names = {path.name for path in folder.iterdir()}
    assert names == {*entry["files"], "README.md", GOLDEN_LOGITS}
    card = (folder / "README.md").read_text()
    assert entry["licence"] in card and "mIoU" in entry["description"]
    assert (
        len(entry["classes"])
        == json.loads((folder / "task.json").read_text())["config"]["num_classes"]
    )


@pytest.mark.parametrize("name", FULL_NAMES)
def test_shipped_presets_load(name):
    model_class, short = name.split("/")
    entry = PRESETS[model_class][short]
    model = models.load_model(f"{model_class.lower()}/{short}")
    assert type(model).__name__ == model_class
    assert model.count_params() == entry["params"]
    assert model.class_names == entry["classes"]
    assert len(model.palette) == model.num_classes
    with np.load(golden_path(f"{model_class.lower()}/{short}")) as golden:
        image, expected = golden["image"], golden["logits"]  # (16, 16, K)
    np.testing.assert_allclose(golden_logits(model, image), expected, atol=1e-4)
    known = np.arange(model.num_classes)[model.classes_learned or slice(None)]
    labels = model.segment(image)[::STEP, ::STEP]
    assert len(np.unique(labels)) > 2
    second, first = np.sort(expected, axis=-1)[..., -2:].transpose(2, 0, 1)
    clear = first - second > 1e-3
    np.testing.assert_array_equal(labels[clear], known[expected.argmax(-1)][clear])


def test_every_folder_of_weights_is_registered():
    registered = {entry["folder"] for x in PRESETS.values() for entry in x.values()}
    weights = PROJECT / "weights"
    assert {path.name for path in weights.iterdir() if path.is_dir()} == registered
