"""A run is resumed with the settings that it was started with."""

from pathlib import Path

import pytest
from run_settings import settings_of

from keras_seg.training import RunError
from keras_seg.training.config_file import CONFIG, read_config, write_config
from keras_seg.training.open_run import open_run, settings_of_run
from keras_seg.training.resume_settings import resume_settings
from keras_seg.training.settings import resolve_settings
from keras_seg_cli.train_options import parse_settings

pytestmark = pytest.mark.no_backend
NETWORK = "--data-dir x --backbone MobileNetV2"


def given(text, output="y"):
    return parse_settings(f"{NETWORK} --output {output} {text}".split())


def start(folder, text=""):
    write_config(settings_of(f"{NETWORK} --output {folder} {text}"))


def test_the_same_settings_pass_and_some_may_change(tmp_path):
    assert resume_settings(tmp_path, given("")) == given("")  # an earlier version
    start(tmp_path, "--crop-size 32 32 --backbone-weights a/b.h5")
    free = "--verbose 1 --workers 1 --no-test --data-dir z --final-scale 2"
    for change in ("", free):
        words = f"--crop-size 32 32 --backbone-weights c/b.h5 {change}"
        settings = resume_settings(tmp_path, given(words))
    assert settings["workers"] == 1 and settings["data_dir"] == "z"
    assert settings["epochs"] == 26


def test_switches_are_taken_back(tmp_path):
    start(tmp_path, "--no-test --tensorboard")
    words = ["--output", str(tmp_path)]
    kept = resume_settings(tmp_path, parse_settings(words))
    assert kept["no_test"] and kept["tensorboard"]
    words += ["--test", "--no-tensorboard"]
    settings = resume_settings(tmp_path, parse_settings(words))
    assert not settings["no_test"] and not settings["tensorboard"]


def test_the_folder_alone_is_enough(tmp_path):
    start(tmp_path, "--crop-size 32 32 --memory-momentum 0.1 0.2 --model cpt")
    settings = resolve_settings(resume_settings(tmp_path, {"output": str(tmp_path)}))
    assert settings.crop_size == [32, 32] and settings.memory_momentum == [0.1, 0.2]
    assert settings.model == "cpt" and settings.backbone == "MobileNetV2"


@pytest.mark.parametrize(
    "change, message",
    [
        ("--learning-rate 0.02", "--learning-rate 0.0003 then, 0.02 now"),
        ("--crop-size 64 32", "--crop-size 192 256 then, 64 32 now"),
        ("--drop-path 0.1", "--drop-path not given then, 0.1 now"),
        ("--backbone-weights imagenet", "--backbone-weights not given then, imagenet"),
        ("--epochs 3", "--epochs 26 then, 3 now"),
        ("--focus-classes", "--focus-classes 2 6 7 9 10 then, empty now"),
    ],
)
def test_others_are_named(tmp_path, change, message):
    start(tmp_path)
    with pytest.raises(RunError, match=message) as error:
        resume_settings(tmp_path, given(change))
    assert "another --output" in str(error.value) and "--workers" in str(error.value)


def test_one_setting_is_compared_without_the_others(tmp_path):
    """The data of the run are those that it was started with."""
    own = {"images": "i", "masks": "m", "num_classes": 2, "epochs": 3, "output": "y"}
    write_config(resolve_settings({**own, "output": str(tmp_path)}))
    assert Path(resume_settings(tmp_path, {"epochs": 3})["images"]).name == "i"
    with pytest.raises(RunError, match="--epochs 3 then, 30 now. Resume"):
        resume_settings(tmp_path, {"epochs": 30})
    with pytest.raises(RunError, match="without --val-images and --val-masks"):
        resume_settings(tmp_path, {"val_images": "v", "val_masks": "w"})
    moved = resume_settings(tmp_path, {"images": "elsewhere"})
    assert moved["images"] == "elsewhere"


@pytest.mark.parametrize(
    "words",
    ["--val-scales 0.5 1", "--final-scale 0.5", "--input-scale 0.9", "--patience -1"],
)
def test_what_fails_after_the_training_is_refused_before(words):
    with pytest.raises(RunError, match="must be at least"):
        settings_of(f"{NETWORK} --output y {words}")


def test_a_setting_that_is_left_out_later_is_named(tmp_path):
    start(tmp_path, "--drop-path 0.1")
    with pytest.raises(RunError, match="--drop-path 0.1 then, not given now"):
        resume_settings(tmp_path, given(""))


def test_a_run_that_has_trained_nothing_begins_anew(tmp_path):
    def begin(text, resume=False):
        settings = settings_of_run(tmp_path, given(text, tmp_path), resume)
        open_run(resolve_settings(settings), None)

    begin("--seed 1")
    for name in ("regions_before.json", "split.json"):
        (tmp_path / name).write_text("{}")
    begin("--seed 2", resume=True)
    assert read_config(tmp_path / CONFIG)["seed"] == 2
    assert not (tmp_path / "regions_before.json").exists()
    assert not (tmp_path / "split.json").exists()
    (tmp_path / "history.jsonl").write_text("")
    with pytest.raises(RunError, match="--seed 2 then, 3 now"):
        begin("--seed 3", resume=True)
    with pytest.raises(RunError, match="holds a run already"):
        begin("--seed 2")
