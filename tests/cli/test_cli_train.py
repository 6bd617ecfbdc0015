"""`keras-seg train`: help, settings from several places, errors in one line."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from tiny_ecenet import tiny_ecenet

from keras_seg import data
from keras_seg.training import RunError, train, train_from_settings
from keras_seg.training.choose_settings import choose_settings
from keras_seg.training.settings import all_settings, resolve_settings
from keras_seg_cli.main import build_parser, main
from keras_seg_cli.train_options import all_given, parse_settings

slow_to_start = pytest.mark.skipif(
    keras.config.backend() != "torch",
    reason="TensorFlow and JAX trace or compile the training step anew in each run, "
    "20 to 60 seconds; scripts/kill_and_resume.py trains on each backend.",
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten images of two classes that are told apart by brightness, and a preset."""
    root = tmp_path_factory.mktemp("photos")
    tiny_ecenet().save_to_preset(root / "tiny")
    random = np.random.default_rng(0)
    for name in ("images", "masks"):
        (root / name).mkdir()
    for i in range(10):
        ids = random.integers(0, 2, (4, 5), "uint8").repeat(12, 0).repeat(12, 1)
        Image.fromarray(ids * 200).convert("RGB").save(root / f"images/{i}.png")
        Image.fromarray(ids).save(root / f"masks/{i}.png")
    return root


def words(photos, output, more=""):
    text = f"train --images {photos}/images --masks {photos}/masks --preset "
    text += f"{photos}/tiny --class-names soil crop --output {output} --workers 1 "
    return (text + more).split()


TINY = "--epochs 2 --steps-per-epoch 2 --batch-size 2 --crop-size 32 32"


@slow_to_start
def test_from_a_folder_to_a_model_and_a_report(photos, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(words(photos, run, f"{TINY} --verbose 2")) == 0
    out = capsys.readouterr().out
    assert "--learning-rate 0.0002" in out and "a model that is trained already" in out
    assert "epoch 2 of 2: loss" in out and "Split: 8 images for training" in out
    split = json.loads((run / "split.json").read_text())
    assert sorted(split["train"] + split["val"]) == [str(i) for i in range(10)]
    results = json.loads((run / "results.json").read_text())
    assert results["val"]["images"] == 2
    assert sum(results["val"]["class_pixels"].values()) == 2 * 48 * 60
    page = (run / "report.html").read_text()
    assert "soil" in page and "src=" in page and "http" not in page
    assert page.count("data:image/png;base64,") == 6
    pictures = {path.stem for path in (run / "report").iterdir()}
    assert {"crops", "curves", "val_confusion", "val_best", "val_worst"} <= pictures
    picture = run / "preset"
    assert (
        main(
            ["predict", str(photos / "images" / "0.png"), "-p", str(picture)]
            + ["--output", str(tmp_path / "segmented")]
        )
        == 0
    )

    # The folder alone is enough to go on, and nothing is lost by a wrong command.
    before = (run / "history.jsonl").read_text()
    assert main(["train", "--output", str(run), "--resume"]) == 0
    assert main(words(photos, run, TINY)) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(words(photos, run, f"{TINY} --resume --seed 3")) == 2
    assert "--seed 0 then, 3 now" in capsys.readouterr().err
    assert (run / "history.jsonl").read_text() == before

    # The same settings, from the file of the run, with one changed.
    other = tmp_path / "other"
    command = f"train --config {run}/config.toml --output {other} --epochs 1"
    assert main(command.split()) == 0
    line = json.loads((other / "history.jsonl").read_text())
    first = json.loads(before.splitlines()[0])
    assert line["epoch"] == 1 and line["steps_per_epoch"] == first["steps_per_epoch"]


@slow_to_start
def test_in_python_the_same(photos, tmp_path):
    names = ["soil", "crop"]
    source = data.SegmentationFolder(
        photos / "images", photos / "masks", class_names=names
    )
    options = {"num_classes": 2, "class_names": names}
    options |= {"input_scale": 1.0, "palette": source.palette.tolist()}
    settings = {"epochs": 2, "steps_per_epoch": 2, "batch_size": 2, "workers": 1}
    settings |= {"crop_size": [32, 32], "verbose": 0}
    model = load(photos, **options)
    results = train(model, source, tmp_path / "run", **settings)
    assert results == json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["epochs"] == 2 and 0 < results["val"]["mean_iou"] <= 1
    again = train(
        load(photos, **options), source, tmp_path / "run", resume=True, **settings
    )
    assert again["val"] == results["val"]
    with pytest.raises(RunError, match="leave out hidden_dim"):
        train(model, source, tmp_path / "x", hidden_dim=8)
    for name, value in (("precision", "mixed_bfloat16"), ("rematerialize", True)):
        with pytest.raises(RunError, match=f"{name}=.*Received: {name}={value!r}"):
            train(model, source, tmp_path / "x", **{name: value})
    with pytest.raises(RunError, match="model.fit"):
        train(model, iter(source), tmp_path / "x")
    with pytest.raises(RunError, match="2 classes and the data 3"):
        source.num_classes = 3
        train(model, source, tmp_path / "x")


@slow_to_start
def test_the_results_have_the_precision_of_the_model(photos, tmp_path):
    names = ["soil", "crop"]
    folders = photos / "images", photos / "masks"
    source = data.SegmentationFolder(*folders, class_names=names)
    options = {"num_classes": 2, "class_names": names, "dtype": "mixed_bfloat16"}
    model = load(photos, input_scale=1.0, rematerialize=True, **options)
    settings = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 2, "workers": 1}
    settings |= {"crop_size": [32, 32], "verbose": 0, "val_share": 0.0}
    arguments = train(model, source, tmp_path / "run", **settings)["arguments"]
    assert arguments["precision"] == "mixed_bfloat16" and arguments["rematerialize"]


def test_settings_are_chosen_for_the_images_that_are_used(
    photos, tmp_path, monkeypatch
):
    seen = []

    def note(args, source):
        seen.append(len(source))
        raise RunError("far enough")

    monkeypatch.setattr(sys.modules["keras_seg.training.train"], "open_run", note)
    folders = {name: str(photos / name) for name in ("images", "masks")}
    given = {**folders, "num_classes": 2, "max_images": 3}
    with pytest.raises(RunError, match="far enough"):
        train_from_settings({**given, "output": str(tmp_path / "run")})
    assert seen == [3]


def load(photos, **options):
    from keras_seg.models import load_model

    return load_model(str(photos / "tiny"), **options)


class VanishingSource(data.SegmentationFolder):
    """Its second image is deleted once some images have been read."""

    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        if self.reads > 25 and index == 1:
            raise FileNotFoundError(f"{self.pairs[1][0]!r} does not exist")
        return super().__getitem__(index)


@slow_to_start
def test_a_file_that_vanishes_in_an_epoch(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "training_dataset", uncached(data.training_dataset))
    names = ["soil", "crop"]
    folders = photos / "images", photos / "masks"
    source = VanishingSource(*folders, class_names=names)
    settings = {"epochs": 4, "steps_per_epoch": 4, "batch_size": 2, "verbose": 0}
    settings |= {"crop_size": [32, 32], "val_share": 0.0, "output": tmp_path / "run"}
    options = {"num_classes": 2, "class_names": names, "input_scale": 1.0}
    with pytest.raises(FileNotFoundError, match="1.png' does not exist"):
        train(load(photos, **options), source, **settings)
    history = (tmp_path / "run" / "history.jsonl").read_text()
    assert 1 <= len(history.splitlines()) < 4
    source.reads = -1000  # it is back
    train(load(photos, **options), source, resume=True, **settings)
    again = (tmp_path / "run" / "history.jsonl").read_text()
    # The last epoch of the history may have had no backup yet, and is done again.
    assert again.splitlines()[0] == history.splitlines()[0]
    assert len(again.splitlines()) == 4


def uncached(training_dataset):
    """Reads each image anew in every epoch, as of a data set larger than memory."""
    return lambda *args, **kwargs: training_dataset(*args, **{**kwargs, "cache": False})


@pytest.mark.no_backend
@pytest.mark.parametrize("command", ["train", "distill", "calibrate"])
def test_help_imports_no_keras(command):
    code = f"""
import sys
from keras_seg_cli.main import main
try:
    main([{command!r}, "--help"])
except SystemExit:
    pass
print([name for name in ("keras", "keras_seg", "numpy") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "[]", run.stderr
    if command == "train":
        for name in all_settings():
            assert f"--{name.replace('_', '-')}" in run.stdout
        assert "cpt_ade20k_resnet_101" in run.stdout and "(default:" in run.stdout


@pytest.mark.no_backend
def test_the_later_settings_win(tmp_path):
    (tmp_path / "mine.toml").write_text("epochs = 5\n[training]\nbatch_size = 4\n")
    command = f"train --recipe cpt_ade20k_resnet_101 --config {tmp_path}/mine.toml "
    options = build_parser().parse_args((command + "--batch-size 2").split())
    given = all_given(options)
    assert given["epochs"] == 5 and given["batch_size"] == 2
    assert given["architecture"].startswith("ade20k")
    assert parse_settings(["--epochs", 3]) == {"epochs": 3}


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "given, message",
    [
        ({"epoch": 3}, "no setting 'epoch'. Did you mean epochs"),
        ({"epochs": "3"}, "epochs must be of type integer"),
        ({"epochs": True}, "epochs must be of type integer"),
        ({"crop_size": 32}, "crop_size must be a list"),
        ({"crop_size": [32]}, "crop_size must have 2 values"),
        ({"class_names": []}, "class_names must have at least one"),
        ({"schedule": "step"}, "one of cosine, poly"),
        ({"val_share": 1.0}, "below 1"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"val_images": "x"}, "go together"),
    ],
)
def test_settings_are_checked(given, message):
    with pytest.raises(RunError, match=message):
        resolve_settings({"images": "a", "masks": "b", **given})


@pytest.mark.no_backend
def test_errors_are_one_line(tmp_path, capsys):
    assert main(["train", "--output", str(tmp_path)]) == 2
    assert main(["train", "--recipe", "none", "--output", str(tmp_path)]) == 2
    (tmp_path / "bad.toml").write_text("epochs = \n")
    assert main(["train", "--config", str(tmp_path / "bad.toml")]) == 2
    (tmp_path / "file").touch()
    words = ["train", "--data-dir", "x", "--output", str(tmp_path / "file" / "run")]
    assert main(words) == 2
    *lines, unwritable = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "file") in unwritable
    assert len(lines) == 3 and all(line.startswith("keras-seg: ") for line in lines)
    assert "--data camvid needs --data-dir" in lines[0]


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "size, images, expected",
    [
        ((360, 480), 80, {"long_side": 0, "input_scale": 1.0, "epochs": 30}),
        ((3000, 4000), 80, {"long_side": 512, "input_scale": 1.0}),
        ((128, 128), 80, {"long_side": 0, "input_scale": 2.0, "crop_size": [128] * 2}),
        ((360, 480), 3, {"batch_size": 3, "steps_per_epoch": 20, "epochs": 20}),
        ((64, 2000), 9, {"long_side": 512, "crop_size": [32, 32]}),
    ],
)
def test_choices_fit_the_images(size, images, expected):
    pair = (np.zeros((*size, 3), "uint8"), np.zeros(size, "uint8"))
    args = resolve_settings({"images": "a", "masks": "b"})
    reasons = choose_settings(args, [pair] * images)
    assert args.preset == "ecenet/ade20k"
    assert {name: getattr(args, name) for name in expected} == expected
    assert set(expected) <= set(reasons)
    given = resolve_settings({"images": "a", "masks": "b", "epochs": 7})
    assert "epochs" not in choose_settings(given, [pair] * images)
    assert given.epochs == 7
