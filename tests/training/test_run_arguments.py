"""A run goes on with the arguments that it was begun with."""

import json

import pytest

from keras_seg.training import RunError
from keras_seg.training.run_arguments import check_arguments, write_arguments
from keras_seg.training.train import open_run
from keras_seg.training.train_arguments import train_arguments

pytestmark = pytest.mark.no_backend


def parse(text):
    return train_arguments(f"--data-dir x --output y {text}".split())


def test_the_same_arguments_pass_and_some_may_change(tmp_path):
    check_arguments(tmp_path, parse(""))  # written before there was such a file
    write_arguments(tmp_path, parse("--crop-size 32 32 --backbone-weights a/b.h5"))
    free = "--resume --verbose 1 --workers 1 --no-test --data-dir z --final-scale 2"
    for change in ("", free):
        check_arguments(
            tmp_path, parse(f"--crop-size 32 32 --backbone-weights c/b.h5 {change}")
        )
    assert "a/b.h5" not in (tmp_path / "arguments.json").read_text()


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
    write_arguments(tmp_path, parse(""))
    with pytest.raises(RunError, match=message) as error:
        check_arguments(tmp_path, parse(change))
    assert "another --output" in str(error.value) and "--workers" in str(error.value)


def test_an_argument_that_came_later_passes(tmp_path):
    write_arguments(tmp_path, parse(""))
    path = tmp_path / "arguments.json"
    kept = json.loads(path.read_text())
    del kept["layer_decay"]
    path.write_text(json.dumps(kept))
    check_arguments(tmp_path, parse("--layer-decay 0.9"))


def test_a_run_that_has_trained_nothing_begins_anew(tmp_path):
    words = f"--data-dir x --output {tmp_path}".split()
    open_run(train_arguments([*words, "--seed", "1"]))
    (tmp_path / "regions_before.json").write_text("{}")
    open_run(train_arguments([*words, "--seed", "2", "--resume"]))
    assert json.loads((tmp_path / "arguments.json").read_text())["seed"] == 2
    assert not (tmp_path / "regions_before.json").exists()
    (tmp_path / "history.jsonl").write_text("")
    with pytest.raises(RunError, match="--seed 2 then, 3 now"):
        open_run(train_arguments([*words, "--seed", "3", "--resume"]))
    with pytest.raises(RunError, match="holds a run already"):
        open_run(train_arguments([*words, "--seed", "2"]))
