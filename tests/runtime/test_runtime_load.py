"""Exported files without Keras: loading, labels, errors. The runtimes are stand-ins."""

import json
import subprocess
import sys

import numpy as np
import pytest
from fake_model import CLASS_NAMES, PALETTE, fake_labels, numpy_model, random_image
from project_paths import ROOT

import keras_seg_runtime
from keras_seg_runtime.exported import load as home
from keras_seg_runtime.exported.description import file_hashes
from keras_seg_runtime.exported.sessions import SESSIONS

pytestmark = pytest.mark.no_backend

DESCRIPTION = {
    "format_version": 1,
    "model": {"class": "ECENet", "name": "ece_net", "weights_sha256": "0"},
    "licence": None,
    "num_classes": 3,
    "class_names": CLASS_NAMES,
    "palette": PALETTE,
    "ignore_class": 255,
    "long_side": None,
    "input_scale": 1.0,
}


class FakeSession:
    """Logits of `fake_model`, or its labels."""

    def __init__(self, path, threads=None):
        self.content = path.read_text()
        self.shapes = []

    def run(self, images):
        self.shapes.append(images.shape)
        if self.content == "labels":
            return np.stack([fake_labels(image) for image in images]).astype("uint8")
        red, green = (images[..., i].astype("float32") for i in range(2))
        return np.stack([np.full_like(red, 100), red, green], axis=-1)


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """A function that writes an exported file and returns its path."""
    monkeypatch.setitem(SESSIONS, "onnx", FakeSession)

    def write(output="logits", size=None, **changes):
        path = tmp_path / "fake.onnx"
        path.write_text(output)
        entry = {"output": output, "size": size, "sha256": file_hashes(path)}
        description = {**DESCRIPTION, "files": {path.name: entry}, **changes}
        path.with_suffix(".json").write_text(json.dumps(description))
        return path

    return write


def test_labels_are_those_of_segment(exported):
    model = keras_seg_runtime.load(exported(long_side=60))
    image = random_image(70, 90)
    reference = numpy_model(
        lambda patch: np.stack(
            [np.full(patch.shape[:2], 100), patch[..., 0], patch[..., 1]], axis=-1
        ).astype("float32"),
        num_classes=3,
    )
    for options in ({}, {"tile": 40}, {"threshold": 0.9}, {"long_side": 0}):
        expected = keras_seg_runtime.segment(
            reference, image, **{"long_side": 60, **options}
        )
        np.testing.assert_array_equal(model.segment(image, **options), expected)
    np.testing.assert_array_equal(model.segment(image, long_side=0), fake_labels(image))


def test_attributes_are_those_of_the_description(exported):
    model = keras_seg_runtime.load(exported(size=[48, 64], input_scale=2))
    assert model.class_names == CLASS_NAMES and model.palette == PALETTE
    assert (model.num_classes, model.ignore_class) == (3, 255)
    assert model.input_shape == (None, 48, 64, 3)
    image = random_image(50, 100)
    np.testing.assert_array_equal(model.segment(image), fake_labels(image))
    assert set(model.session.shapes) == {(1, 48, 64, 3)}


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((40, 50, 3), "uint8"),
        np.zeros((1, 40, 50, 4), "uint8"),
        np.zeros((1, 40, 50, 3), "float32"),
        np.zeros((0, 40, 50, 3), "uint8"),
    ],
    ids=lambda x: f"{x.shape} {x.dtype}",
)
def test_batches_are_checked(exported, images):
    model = keras_seg_runtime.load(exported())
    with pytest.raises(ValueError, match=r"uint8 array of shape \(batch, height"):
        model.predict_on_batch(images)


def test_a_file_of_one_size_refuses_others(exported):
    model = keras_seg_runtime.load(exported(size=[48, 64]))
    with pytest.raises(ValueError, match=r"shape \(batch, 48, 64, 3\)"):
        model.predict_on_batch(np.zeros((1, 40, 64, 3), "uint8"))


def test_a_file_of_labels(exported):
    model = keras_seg_runtime.load(exported("labels", long_side=60))
    for size in ((40, 50), (20, 60)):
        image = random_image(*size)
        labels = model.segment(image)
        np.testing.assert_array_equal(labels, fake_labels(image))
    for options in ({"threshold": 0.5}, {"tile": 20}):
        with pytest.raises(ValueError, match="requires logits"):
            model.segment(image, **options)
    with pytest.raises(ValueError, match="larger than long_side=60"):
        model.segment(random_image(40, 61))
    labels = model.segment(random_image(40, 61), long_side=0)
    np.testing.assert_array_equal(labels, fake_labels(random_image(40, 61)))


def test_a_file_of_labels_of_one_size(exported):
    model = keras_seg_runtime.load(exported("labels", size=[48, 64]))
    image = random_image(40, 64)
    np.testing.assert_array_equal(model.segment(image), fake_labels(image))
    with pytest.raises(ValueError, match="as it takes"):
        model.segment(random_image(49, 64))


def test_a_changed_file_is_refused(exported):
    path = exported()
    path.write_text("logits!")
    with pytest.raises(ValueError, match="differs from the hash"):
        keras_seg_runtime.load(path)


def test_the_description_must_be_there(exported):
    path = exported()
    path.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"fake\.json' is missing"):
        keras_seg_runtime.load(path)
    with pytest.raises(FileNotFoundError, match="no exported model"):
        keras_seg_runtime.load(path.with_name("other.onnx"))


def test_a_renamed_file_is_refused(exported):
    path = exported()
    path.with_suffix(".json").rename(path.with_name("other.json"))
    with pytest.raises(ValueError, match=r"does not list 'other\.onnx'"):
        keras_seg_runtime.load(path.rename(path.with_name("other.onnx")))


def test_another_file_is_refused(tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_text("x")
    with pytest.raises(ValueError, match="is not an exported model"):
        keras_seg_runtime.load(photo)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "format_version 1, found 2"),
        ({"num_classes": True}, "num_classes is True"),
        ({"num_classes": 4}, "list of 4 names"),
        ({"class_names": ["a", "b", 3]}, "must be strings"),
        ({"palette": PALETTE[:2]}, "list of 3 colours"),
        ({"palette": [[0, 0, 256]] * 3}, "integers in 0..255"),
        ({"palette": [7, 7, 7]}, "integers in 0..255"),
        ({"ignore_class": "255"}, "ignore_class is '255'"),
        ({"long_side": -1}, "long_side is -1"),
        ({"input_scale": None}, "input_scale is None"),
        ({"files": []}, "files is missing"),
        ({"files": {"fake.onnx": {"output": "boxes"}}}, "output of fake.onnx"),
    ],
    ids=str,
)
def test_a_damaged_description_is_refused(exported, change, message):
    with pytest.raises(ValueError, match=message):
        keras_seg_runtime.load(exported(**change))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000])
def test_a_description_that_is_none(exported, text):
    path = exported()
    path.with_suffix(".json").write_text(text)
    with pytest.raises(ValueError, match="Export again"):
        keras_seg_runtime.load(path)


@pytest.mark.parametrize("threads", [0, -1, "2"])
def test_threads_are_checked(exported, threads):
    with pytest.raises(ValueError, match="`threads` must be"):
        keras_seg_runtime.load(exported(), threads=threads)


def test_openvino_keeps_the_compiled_network(exported, monkeypatch):
    seen = []

    class Session(FakeSession):
        def __init__(self, path, threads=None, cache=None):
            super().__init__(path, threads)
            seen.append(cache)

    path = exported()
    described = json.loads(path.with_suffix(".json").read_text())
    path = path.rename(path.with_suffix(".xml"))
    path.with_suffix(".bin").write_text("weights")
    entry = described["files"].pop("fake.onnx")
    described["files"][path.name] = {**entry, "sha256": file_hashes(path)}
    path.with_suffix(".json").write_text(json.dumps(described))
    monkeypatch.setitem(SESSIONS, "openvino", Session)
    keras_seg_runtime.load(path)
    keras_seg_runtime.load(path, cache="here")
    assert seen == [None, "here"]


def test_a_missing_runtime_is_named(exported, monkeypatch):
    from keras_seg_runtime.exported.sessions import OnnxSession

    monkeypatch.setitem(home.SESSIONS, "onnx", OnnxSession)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match="pip install onnxruntime"):
        keras_seg_runtime.load(exported())


def test_neither_keras_nor_opencv_is_imported():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import keras_seg_runtime, keras_seg_cli.predict\n"
        "import keras_seg_cli.main as main; main.build_parser()\n"
        "heavy = {'keras', 'keras_seg', 'cv2', 'tensorflow', 'torch', 'jax'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    words = [sys.executable, "-c", code, str(ROOT)]
    result = subprocess.run(words, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_it_has_another_name_in_the_package():
    import keras_seg

    for name in keras_seg_runtime.__all__:
        assert getattr(keras_seg.runtime, name) is getattr(keras_seg_runtime, name)
    assert keras_seg.runtime.__all__ == keras_seg_runtime.__all__
