"""`keras-seg evaluate`."""

import json
import subprocess
import sys

import numpy as np
import pytest
from fake_model import fake_labels, fake_model, random_image
from PIL import Image

from keras_seg import models
from keras_seg.data import corrupt_image
from keras_seg_cli.main import main


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.fixture(autouse=True)
def loaded(model, monkeypatch):
    """The names of the presets asked for; each is the fake model."""
    names = []
    monkeypatch.setattr(models, "load_model", lambda p: names.append(p) or model)
    monkeypatch.setattr(model, "test_protocol", None, raising=False)
    return names


@pytest.fixture
def folder(tmp_path):
    """Three images whose masks are right but for some void and some wrong pixels."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for i, size in enumerate([(40, 50), (33, 60), (45, 41)]):
        image = random_image(*size, seed=i)
        labels = fake_labels(image).astype("uint8")
        labels[:4] = 255
        labels[4:10] = 0
        Image.fromarray(image).save(tmp_path / "images" / f"{i}.png")
        Image.fromarray(labels).save(tmp_path / "masks" / f"{i}.png")
    return tmp_path


def evaluate(folder, *words, data="folder"):
    words = ["evaluate", "--data", data, "--data-dir", folder, *words]
    return main([str(word) for word in words])


def test_table_and_file(folder, loaded, capsys):
    output = folder / "results.json"
    assert evaluate(folder, "--output", output, "-p", "some/preset") == 0
    assert loaded == ["some/preset"]
    result = json.loads(output.read_text())
    truth = [np.array(Image.open(folder / "masks" / f"{i}.png")) for i in range(3)]
    guess = [fake_labels(random_image(*t.shape, seed=i)) for i, t in enumerate(truth)]
    truth = np.concatenate([t.ravel() for t in truth])
    guess = np.concatenate([g.ravel() for g in guess])[truth != 255]
    truth = truth[truth != 255]
    iou = [
        np.sum((truth == k) & (guess == k)) / np.sum((truth == k) | (guess == k))
        for k in range(3)
    ]
    accuracy = [np.mean(guess[truth == k] == k) for k in range(3)]
    assert list(result["class_iou"]) == ["dark", "red", "green"]
    assert list(result["class_iou"].values()) == pytest.approx(iou)
    assert list(result["class_accuracy"].values()) == pytest.approx(accuracy)
    assert result["mean_iou"] == pytest.approx(np.mean(iou))
    assert result["mean_class_accuracy"] == pytest.approx(np.mean(accuracy))
    assert result["pixel_accuracy"] == pytest.approx(np.mean(truth == guess))
    assert result["images"] == 3 and result["preset"] == "some/preset"
    printed = capsys.readouterr().out
    for name, values in (
        ("dark", (iou[0], accuracy[0])),
        ("mean", (np.mean(iou), np.mean(accuracy))),
    ):
        line = next(x for x in printed.splitlines() if x.split()[:1] == [name])
        assert line.split()[1:] == [f"{value:.2%}" for value in values]
    assert "Protocol: images as in predict\n" in printed


def test_corrupted_images(folder, capsys):
    output = folder / "results.json"
    words = ("--corruption", "dark", "--severity", 5, "--output", output)
    assert evaluate(folder, *words) == 0
    result = json.loads(output.read_text())
    assert result["corruption"] == {"name": "dark", "severity": 5}
    assert "folder val, dark of severity 5: 3 images" in capsys.readouterr().out
    right = valid = 0
    for i in range(3):
        truth = np.array(Image.open(folder / "masks" / f"{i}.png"))
        image = random_image(*truth.shape, seed=i)
        guess = fake_labels(corrupt_image(image, "dark", 5, seed=(0, i)))
        right += np.sum((guess == truth) & (truth != 255))
        valid += np.sum(truth != 255)
    assert result["pixel_accuracy"] == pytest.approx(right / valid)
    assert evaluate(folder, "--severity", 5) == 2


def test_protocol_of_preset_and_options(folder, model, monkeypatch, capsys):
    protocol = {"mode": "slide", "window": 32, "stride": 24}
    monkeypatch.setattr(model, "test_protocol", protocol, raising=False)
    output = folder / "results.json"

    def protocol(*words):
        assert evaluate(folder, "-o", output, "--overwrite", *words) == 0
        return json.loads(output.read_text())["protocol"]

    assert protocol()["window"] == [32, 32]
    changed = protocol("--stride", 16, 20, "--flip", "--scales", 0.5, 1)
    assert changed["stride"] == [16, 20] and changed["flip"]
    assert changed["scales"] == [0.5, 1.0] and changed["window"] == [32, 32]
    assert "windows of 32 x 32 every 16 x 20, scales 0.5 1, with the" in (
        capsys.readouterr().out
    )
    assert protocol("--mode", "whole")["window"] is None
    assert protocol("--resize", 32, 64)["resize"] == [64, 32]


def test_limit_and_void_ids(folder):
    output = folder / "results.json"
    assert evaluate(folder, "--limit", 2, "--void-ids", 0, "-o", output) == 0
    result = json.loads(output.read_text())
    assert result["images"] == 2 and result["class_accuracy"]["dark"] is None
    assert result["pixel_accuracy"] == 1


@pytest.mark.parametrize(
    "words, message",
    [
        (["--stride", 900, 900, "--window", 32, 32], "must not exceed"),
        (["--mode", "slide"], "requires `window`"),
        (["--split", "nowhere", "--data-dir", "nowhere"], "no images and no masks"),
        (["--output", "nowhere/results.json"], "there is no folder nowhere"),
    ],
)
def test_errors_before_the_start_are_reported(folder, capsys, words, message):
    assert evaluate(folder, *words) == 2
    assert message in capsys.readouterr().err


def test_other_data_and_files_that_exist(folder, capsys):
    (folder / "results.json").write_text("kept")
    assert evaluate(folder, "-o", folder / "results.json") == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert (folder / "results.json").read_text() == "kept"
    for kind in ("images", "labels"):
        (folder / kind / "val").mkdir(parents=True)
    Image.new("RGB", (40, 40)).save(folder / "images" / "val" / "a.png")
    Image.new("L", (40, 40)).save(folder / "labels" / "val" / "a.png")
    assert evaluate(folder, data="camvid") == 2
    assert "3 classes and the data 11" in capsys.readouterr().err
    assert evaluate(folder, "--void-ids", 3, data="camvid") == 2
    assert "--data folder" in capsys.readouterr().err


def test_data_by_name(monkeypatch, capsys):
    assert main(["evaluate", "--data", "ade20k"]) == 2
    assert "--data ade20k needs --data-dir" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    assert main(["evaluate", "--data", "tfds:scene_parse150"]) == 2
    assert "pip install 'keras-seg[tfds]'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["evaluate", "--data", "ade21k"])
    assert "choose from ade20k, camvid" in capsys.readouterr().err


@pytest.mark.no_backend
def test_help_needs_no_keras():
    code = (
        "import sys; from keras_seg_cli.main import build_parser; build_parser(); "
        "sys.exit('keras' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
