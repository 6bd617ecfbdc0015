"""Models exported for real: each file is loaded and compared in its own runtime."""

import importlib.util
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from fake_model import random_image
from PIL import Image
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone
from tiny_ecenet import tiny_ecenet

import keras_seg
import keras_seg_runtime
from keras_seg.export.formats import FORMATS, check_formats
from keras_seg.training.copy_with import copy_with
from keras_seg_cli.main import main

# Conversion runs on TensorFlow in a process of its own, on each backend alike.
pytestmark = pytest.mark.no_backend

home = sys.modules["keras_seg.export.export_model"]  # the function has its name
# (format, name of the file)
FILES = [(form, f"tiny{FORMATS[form].suffix}") for form in FORMATS]


def installed(form):
    return all(importlib.util.find_spec(m) for m, _ in FORMATS[form].packages)


def need(form):
    if not installed(form):
        names = ", ".join(name for _, name in FORMATS[form].packages)
        pytest.skip(f"{form} needs {names}")


@pytest.fixture(scope="module")
def model():
    """With latent regions, and with gelu, which ONNX does not have."""
    model = keras_seg.ECENet(
        TinyBackbone(),
        3,
        hidden_dim=8,
        input_scale=1.5,
        reasoner={"num_regions": 6, "depth": 1},
        class_names=["sky", "road", "tree"],
        long_side=64,
    )
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    formats = [form for form in FORMATS if installed(form)]
    if formats:
        keras_seg.export.export_model(model, folder, "tiny", formats)
    return folder


@pytest.mark.parametrize(("form", "name"), FILES)
def test_segment_is_that_of_the_model(model, folder, form, name):
    need(form)
    exported = keras_seg_runtime.load(folder / name, threads=1)
    assert exported.class_names == model.class_names
    assert exported.long_side == 64
    for options in ({}, {"tile": 40}, {"threshold": 0.4}, {"long_side": 0}):
        image = random_image(70, 90)
        expected = model.segment(image, **options)
        actual = exported.segment(image, **options)
        assert actual.dtype == expected.dtype
        assert (actual != expected).mean() < 0.001
    logits = exported.predict_on_batch(np.stack([random_image(40, 52)] * 3))
    assert logits.shape == (3, 40, 52, 3) and logits.dtype == np.float32


@pytest.mark.parametrize(("form", "name"), FILES)
def test_the_description(model, folder, form, name):
    need(form)
    text = (folder / "tiny.json").read_text()
    description = json.loads(text)
    entry = description["files"][name]
    assert entry["format"] == form and entry["check"]["different_labels"] == 0
    assert entry["check"]["images"] == ["1x97x131", "2x150x107"]
    assert {"keras-seg", "keras", "tensorflow"} <= set(entry["versions"])
    assert description["model"]["class"] == "ECENet"
    assert description["palette"] == keras_seg.data.default_palette(3).tolist()
    assert str(folder) not in text


def test_nothing_else_is_left(folder):
    names = {path.name for path in folder.iterdir()}
    expected = {name for form, name in FILES if installed(form)} | {"tiny.json"}
    assert names == expected | ({"tiny.bin"} if installed("openvino") else set())


def test_predict_takes_the_file(model, folder, tmp_path, monkeypatch):
    need("onnx")
    monkeypatch.chdir(tmp_path)
    image = random_image(70, 90)
    Image.fromarray(image).save("a.png")
    words = ["predict", "a.png", "--model", str(folder / "tiny.onnx"), "-o", "out"]
    assert main(words) == 0
    with Image.open("out/a_labels.png") as picture:
        assert (np.asarray(picture) == model.segment(image)).mean() > 0.999


def test_labels_in_half_precision(model, folder, tmp_path):
    need("onnx")
    path = model.export_to(tmp_path / "half.onnx", labels=True, weights="float16")
    exported = keras_seg_runtime.load(path)
    images = np.stack([random_image(64, 96), random_image(64, 96, seed=1)])
    labels = exported.predict_on_batch(images)
    assert labels.dtype == np.uint8 and labels.shape == (2, 64, 96)
    expected = np.argmax(model.predict_on_batch(images), axis=-1)
    assert (labels == expected).mean() > 0.98
    entry = exported.description["files"]["half.onnx"]
    assert entry["weights"] == "float16" and entry["output"] == "labels"


def test_half_precision_of_two_formats_beside_each_other(model, tmp_path):
    """OpenVINO is written by way of ONNX, in single precision."""
    need("onnx")
    need("openvino")
    formats = ["onnx", "openvino"]
    keras_seg.export.export_model(model, tmp_path, "half", formats, weights="float16")
    onnx = pytest.importorskip("onnx")
    weights = onnx.load(tmp_path / "half.onnx").graph.initializer
    assert onnx.TensorProto.FLOAT16 in {weight.data_type for weight in weights}


def test_logits_of_the_head(model, tmp_path):
    need("onnx")
    path = model.export_to(tmp_path / "head.onnx", head_logits=True)
    assert b"..." not in path.read_bytes()  # of Einsum, which fails on WebGPU
    exported = keras_seg_runtime.load(path)
    assert exported.predict_on_batch(np.stack([random_image(64, 96)])).shape[1] < 64
    for options in ({}, {"tile": 40}, {"threshold": 0.4}, {"long_side": 0}):
        image = random_image(70, 90)
        expected = model.segment(image, **options)
        assert (exported.segment(image, **options) != expected).mean() < 0.001


# --- Without a conversion ------------------------------------------------------------


@pytest.fixture
def written(model, monkeypatch):
    """Conversion and run are replaced: the file returns the model's logits, changed."""
    monkeypatch.setattr(home, "check_formats", lambda *args: None)

    def convert(model, modules, files, *args):
        for path in files.values():
            path.write_text("a file")
        return {}

    def run_file(form, path, batches, folder):
        return {k: model.predict_on_batch(x) + change for k, x in batches.items()}

    change = np.zeros(3, "float32")
    monkeypatch.setattr(home, "convert", convert)
    monkeypatch.setattr(home, "run_file", run_file)
    return change


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_kind_of_output(model, written, tmp_path):
    with pytest.raises(ValueError, match="either labels or logits"):
        model.export_to(tmp_path / "a.onnx", labels=True, head_logits=True)
    assert names_in(tmp_path) == []


def test_nothing_is_written_if_labels_differ(model, written, tmp_path):
    written[:] = [0, 5, 0]
    with pytest.raises(ValueError, match=r"file for onnx differs .* labels differ"):
        model.export_to(tmp_path / "a.onnx")
    assert names_in(tmp_path) == []
    written[:] = 0
    model.export_to(tmp_path / "a.onnx")
    before = (tmp_path / "a.json").read_bytes()
    written[:] = [0, 5, 0]
    with pytest.raises(ValueError, match="labels differ"):
        model.export_to(tmp_path / "a.onnx", overwrite=True)
    assert names_in(tmp_path) == ["a.json", "a.onnx"]
    assert (tmp_path / "a.json").read_bytes() == before


def test_an_error_of_the_conversion_is_told(model, written, tmp_path, monkeypatch):
    monkeypatch.setattr(home, "convert", lambda *args: {"onnx": "ValueError: Erfc"})
    with pytest.raises(ValueError, match="cannot be converted to onnx: .* Erfc"):
        model.export_to(tmp_path / "a.onnx")
    assert names_in(tmp_path) == []


def test_files_are_kept_without_overwrite(model, written, tmp_path):
    Path(tmp_path, "a.onnx").write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.export_to(tmp_path / "a.onnx")
    assert Path(tmp_path, "a.onnx").read_text() == "precious"
    Path(tmp_path, "b.json").write_text("[1]")
    with pytest.raises(FileExistsError, match="file of its own"):
        model.export_to(tmp_path / "b.onnx")
    assert Path(tmp_path, "b.json").read_text() == "[1]"


def test_formats_of_one_model_share_a_description(model, written, tmp_path):
    model.export_to(tmp_path / "a.onnx")
    model.export_to(tmp_path / "a.tflite")
    description = json.loads(Path(tmp_path, "a.json").read_text())
    assert sorted(description["files"]) == ["a.onnx", "a.tflite"]
    other = tiny_ecenet(class_names=["a", "b", "c"])
    other.head.trainable_weights[0].assign(other.head.trainable_weights[0] * 2)
    with pytest.raises(FileExistsError, match="describes another model"):
        other.export_to(tmp_path / "a.xml")


@pytest.mark.parametrize(
    "change",
    [{"class_names": ["x", "y", "z"]}, {"temperature": 2.0}, {"input_scale": 2.0}],
    ids=lambda change: next(iter(change)),
)
def test_files_of_the_same_weights_are_not_described_anew(
    model, written, tmp_path, change
):
    """What an id means, and what is inside a file, is not in the weights alone."""
    model.export_to(tmp_path / "a.onnx")
    before = Path(tmp_path, "a.json").read_text()
    other = copy_with(model, **change)
    with pytest.raises(FileExistsError, match="describes another model"):
        other.export_to(tmp_path / "a.tflite")
    assert Path(tmp_path, "a.json").read_text() == before


def test_a_folder_of_something_else_is_never_replaced(model, written, tmp_path):
    for name, form in (("results", "saved-model"), ("b.onnx", "onnx")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "thesis.txt").write_text("precious")
        with pytest.raises(FileExistsError, match="folder of something else"):
            model.export_to(folder, format=form, overwrite=True)
        assert (folder / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "a.onnx", "format": "torch"}, "one of format 'onnx'"),
        ({"path": "a", "format": "torch"}, "must be one of"),
        ({"path": "a.pt2"}, "format of 'a.pt2' is not known"),
        ({"path": "a.onnx", "format": "litert"}, "one of format 'onnx'"),
        ({"path": "a.onnx", "size": (64,)}, "`size` must be a pair"),
        ({"path": "a.onnx", "size": (64, 8)}, "at least 32"),
        ({"path": "a.onnx", "weights": "int8"}, "`weights` must be one of"),
    ],
    ids=str,
)
def test_arguments_are_checked(model, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with pytest.raises(ValueError, match=message):
        model.export_to(**arguments)
    assert names_in(tmp_path) == []


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"tf2onnx, onnx, onnxruntime\. Try"):
        check_formats(["onnx"])
    with pytest.raises(ValueError, match="single precision"):
        check_formats(["saved-model"], "float16")


def test_half_precision_models_are_refused(written, tmp_path):
    backbone = TinyBackbone(dtype="mixed_bfloat16")
    model = keras_seg.ECENet(backbone, 3, hidden_dim=8)
    with pytest.raises(ValueError, match="dtype='float32'"):
        model.export_to(tmp_path / "a.onnx")


@pytest.mark.parametrize("form", ["onnx", "torch", "litert", "openvino"])
def test_what_keras_exports_wrongly_is_refused(model, form, tmp_path):
    with pytest.raises(ValueError, match=r"model\.export_to\(path, format="):
        model.export(tmp_path / "a", format=form)
    assert names_in(tmp_path) == []


def test_a_saved_model_by_keras_only_on_tensorflow(model, tmp_path):
    if keras.config.backend() == "tensorflow":
        pytest.skip("Keras writes it on TensorFlow")
    with pytest.raises(ValueError, match="format='saved-model'"):
        model.export(tmp_path / "a")
