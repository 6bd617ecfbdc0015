"""The files of a run survive a full disk, damage and a second process."""

import errno
import json
import shutil
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from run_settings import train_with

from keras_seg.training import RunError, RunFolder
from keras_seg.training.lock_run import lock_run
from keras_seg.training.resume_settings import resume_settings
from keras_seg.training.run_folder import LATEST, PREVIOUS


def make_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def play(folder, epochs, first=0):
    """Runs epochs after which the kernel is the number of the epoch."""
    run, model = RunFolder(folder, 1, note={}), make_model()
    run.set_model(model)
    run.restore(model)
    for epoch in range(first, first + epochs):
        run.on_epoch_begin(epoch)
        model.set_weights([np.full((1, 1), epoch + 1.0), np.zeros(1)])
        run.on_epoch_end(epoch, {"loss": 1.0, "val_mean_iou": 0.1 * epoch})
    run.on_train_end()
    return run, model


def restored(folder):
    model = make_model()
    epochs = RunFolder(folder, 1, note={}).restore(model)
    return epochs, float(model.get_weights()[0][0, 0])


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip, empty])
def test_a_damaged_backup_is_replaced_by_the_one_before(tmp_path, damage, capsys):
    play(tmp_path, 3)
    damage(tmp_path / LATEST)
    assert restored(tmp_path) == (2, 2.0)
    assert "latest.weights.h5 is damaged. The run goes on" in capsys.readouterr().out
    history = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in history] == [1, 2]
    play(tmp_path, 1, first=2)
    capsys.readouterr()
    assert restored(tmp_path) == (3, 3.0)
    assert "damaged" not in capsys.readouterr().out
    damage(tmp_path / LATEST)  # the one before is the intact one
    assert restored(tmp_path) == (2, 2.0)


def test_without_an_intact_backup_the_way_on_is_named(tmp_path):
    play(tmp_path, 3)
    for name in (LATEST, PREVIOUS):
        flip(tmp_path / name)
    with pytest.raises(RunError, match="another folder; --initial-weights .*last"):
        restored(tmp_path)


def test_a_kill_between_two_backups(tmp_path):
    play(tmp_path, 3)
    (tmp_path / LATEST).unlink()
    assert restored(tmp_path) == (2, 2.0)


def test_best_weights_of_an_epoch_that_is_done_again_are_put_back(tmp_path, capsys):
    """Killed after `best.weights.h5` was written and before the backup."""

    def best():
        model = make_model()
        RunFolder(tmp_path, 1, note={}).load_averages(model, "best.weights.h5")
        return float(model.get_weights()[0][0, 0])

    run, model = play(tmp_path, 2)
    run.on_epoch_begin(2)
    model.set_weights([np.full((1, 1), 3.0), np.zeros(1)])
    run.on_epoch_end(2, {"loss": 1.0, "val_mean_iou": 0.9})
    assert best() == 3.0
    assert restored(tmp_path) == (2, 2.0)
    assert best() == 2.0 and capsys.readouterr().out == ""
    play(tmp_path, 1, first=2)
    assert restored(tmp_path) == (3, 3.0) and best() == 3.0


@pytest.mark.parametrize("damage", [cut, empty])
def test_backups_of_older_versions_have_no_hash(tmp_path, damage):
    play(tmp_path, 3)
    (tmp_path / "hashes.json").unlink()
    assert restored(tmp_path) == (3, 3.0)
    damage(tmp_path / LATEST)
    assert restored(tmp_path) == (2, 2.0)


@pytest.mark.parametrize(
    "name, text",
    [
        *(("hashes.json", text) for text in ("", "{", "[]", '{"a": 1}')),
        *(("history.jsonl", text) for text in ("{", "[]", "3", '{"a": 1}')),
        *(("config.toml", text) for text in ("{", "a", "a = [")),
    ],
)
def test_damaged_text_files_are_named(tmp_path, name, text):
    run, model = play(tmp_path, 1)
    (tmp_path / name).write_text(text)
    with pytest.raises(RunError, match=rf"{name} is damaged.*[Dd]elete"):
        if name == "config.toml":
            resume_settings(tmp_path, {"data_dir": "x", "output": "y"})
        run.restore(model)


def test_averages_are_checked(tmp_path):
    run, model = play(tmp_path, 2)
    run.load_averages(model, "best.weights.h5")
    flip(tmp_path / "best.weights.h5")
    with pytest.raises(RunError, match="best.weights.h5 is damaged.*--initial-weights"):
        run.load_averages(model, "best.weights.h5")
    (tmp_path / "last.weights.h5").unlink()
    with pytest.raises(RunError, match="last.weights.h5 is missing"):
        run.load_averages(model, "last.weights.h5")


def files_of(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), RuntimeError])
def test_a_full_disk_leaves_the_last_good_state(tmp_path, monkeypatch, error):
    play(tmp_path, 2)
    before = {name: (tmp_path / name).read_bytes() for name in files_of(tmp_path)}

    def save_weights(self, path):
        path.write_bytes(b"unfinished")
        if error is RuntimeError:
            raise RuntimeError("Can't write data (errno = 28, No space left on device)")
        raise error

    monkeypatch.setattr(keras.Model, "save_weights", save_weights)
    with pytest.raises(OSError, match="disk is full.*one before is unchanged.*resume"):
        play(tmp_path, 1, first=2)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert files_of(tmp_path) == sorted(before)
    monkeypatch.undo()
    assert restored(tmp_path) == (2, 2.0)


def test_room_is_looked_for_before_hdf5_begins(tmp_path, monkeypatch):
    play(tmp_path, 1)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    monkeypatch.setattr(keras.Model, "save_weights", None)
    with pytest.raises(OSError, match="disk is full.*0 MB are free"):
        play(tmp_path, 1, first=1)


HOLD = """
import pathlib, sys, time
from keras_seg.training.lock_run import lock_run
with lock_run(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_two_processes_in_one_folder(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(RunError, match="Another process trains in"):
                train_with(f"--data-dir x --output {tmp_path}".split())
        finally:
            other.kill()
    with lock_run(tmp_path):  # a process that was killed holds nothing
        assert files_of(tmp_path) == ["run.lock"]
