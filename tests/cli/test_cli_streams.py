"""`keras-seg predict` with stdin, stdout and JSON of COCO; facts about presets."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_model import CLASS_NAMES, fake_labels, fake_model, random_image
from PIL import Image

import keras_seg
from keras_seg import models
from keras_seg_cli.main import main

pytestmark = pytest.mark.no_backend


@pytest.fixture(autouse=True)
def loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load_model", lambda preset: fake_model())


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_from_stdin_to_stdout(monkeypatch, capsysbinary):
    image = random_image(40, 52)
    pipe(monkeypatch, png(image))
    assert main(["predict", "-", "--output", "-"]) == 0
    labels = np.asarray(Image.open(io.BytesIO(capsysbinary.readouterr().out)))
    np.testing.assert_array_equal(labels, fake_labels(image))
    assert list(Path().iterdir()) == []


def test_from_a_file_to_stdout(capsysbinary):
    image = random_image(40, 52)
    Image.fromarray(image).save("a.png")
    assert main(["predict", "a.png", "--output", "-"]) == 0
    labels = np.asarray(Image.open(io.BytesIO(capsysbinary.readouterr().out)))
    np.testing.assert_array_equal(labels, fake_labels(image))


def test_from_stdin_to_a_folder(monkeypatch):
    pipe(monkeypatch, png(random_image(40, 52)))
    assert main(["predict", "-", "--output", "out"]) == 0
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == ["stdin_labels.png", "stdin_overlay.png"]


def test_no_image_on_stdin(monkeypatch, capsysbinary):
    pipe(monkeypatch, b"no image")
    assert main(["predict", "-", "--output", "-"]) == 1
    assert capsysbinary.readouterr().out == b""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-", "a.png", "--output", "out"], "give no other images"),
        (["a.png", "--output", "-", "--shares", "csv"], "stdout takes the labels"),
        (["a.png", "b.png", "--output", "-"], "takes one image"),
    ],
)
def test_what_does_not_fit_is_refused(words, message, capsys):
    for name in ("a.png", "b.png"):
        Image.fromarray(random_image(40, 52)).save(name)
    assert main(["predict", *words]) == 2
    assert message in capsys.readouterr().err


def test_coco_lists_every_image(capsys):
    for name, seed in (("a.png", 0), ("b.png", 1)):
        Image.fromarray(random_image(40, 52, seed)).save(name)
    assert main(["predict", "a.png", "b.png", "--coco", "out/labels.json"]) == 0
    content = json.loads(Path("out/labels.json").read_text())
    assert [x["file_name"] for x in content["images"]] == ["a.png", "b.png"]
    assert [x["name"] for x in content["categories"]] == CLASS_NAMES
    ids = [x["id"] for x in content["annotations"]]
    assert ids == list(range(1, len(ids) + 1))
    for number, seed in ((1, 0), (2, 1)):
        expected = np.bincount(fake_labels(random_image(40, 52, seed)).ravel())
        found = {
            x["category_id"]: x["area"]
            for x in content["annotations"]
            if x["image_id"] == number
        }
        assert found == {i: n for i, n in enumerate(expected.tolist()) if n}
    assert main(["predict", "a.png", "--coco", "out/labels.json"]) == 2
    assert "pass --overwrite" in capsys.readouterr().err


def test_list_and_info(monkeypatch, capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "ecenet/camvid" in listed and "CC BY-NC 4.0" in listed and "68.2" in listed
    assert main(["info", "ecenet/camvid"]) == 0
    shown = capsys.readouterr().out
    for text in ("ECENet", "Bicyclist", "3.2 M", "non-commercial", "mIoU 68.2"):
        assert text in shown
    assert main(["info"]) == 0
    assert "runtime onnxruntime" in capsys.readouterr().out
    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    model = keras_seg.SGR(backbone, 3, hidden_dim=8, reasoner=False)
    model.save("mine.keras")
    assert main(["info", "mine.keras"]) == 0
    shown = capsys.readouterr().out
    assert "SGR" in shown and "classes      3" in shown and "mine.keras" in shown
    assert main(["info", "nowhere.keras"]) == 2
    assert main(["info", "nowhere"]) == 2
    assert "There is no preset 'nowhere'" in capsys.readouterr().err
