r"""Kills a training run at random moments and compares it with an unbroken one.

    KERAS_BACKEND=torch python scripts/kill_and_resume.py --kills 20 --output runs/kills

A tiny model is trained by `keras_seg.training.train` in a process of its own, which
kills itself with SIGKILL: half of the times after a random time of training, half of
the times at a random file operation: as a file is opened, replaced or removed. Then the
run is resumed. Its history, its weights and its results must be those of the
run that was never killed. Exits with 1 if they are not.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
EPOCHS, STEPS = 6, 4
EVENTS_PER_EPOCH = 30
FILES = ("best.weights.h5", "last.weights.h5", "backup/latest.weights.h5")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", required=True, help="folder for the runs")
    parser.add_argument("--child", metavar="WHEN", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    output = pathlib.Path(args.output)
    if args.child:
        return train_in_process(output, json.loads(args.child))
    shutil.rmtree(output, ignore_errors=True)
    whole, rng = output / "whole", random.Random(args.seed)
    if start(whole, None) != 0:
        raise SystemExit("The unbroken run failed.")
    kills, runs = {"time": 0, "file": 0}, 0
    while sum(kills.values()) < args.kills:
        folder, runs = output / f"killed-{runs}", runs + 1
        while True:
            left = sum(kills.values()) < args.kills
            kind = "time" if kills["time"] <= kills["file"] else "file"
            when = choose_moment(kind, rng) if left else None
            status = start(folder, when)
            if status == 0:
                break
            if status != -signal.SIGKILL:
                raise SystemExit(f"{folder}: exit status {status} after a kill.")
            kills[kind] += 1
            print(f"killed by {kind}: {when}; {sum(kills.values())} kills", flush=True)
        difference = compare(whole, folder)
        print(f"{folder.name}: equal, largest difference {difference:g}", flush=True)
    print(
        f"{os.environ.get('KERAS_BACKEND')}: {kills['time']} kills by time and "
        f"{kills['file']} at file operations in {runs} runs of {EPOCHS} epochs: all "
        "equal to the unbroken run"
    )
    return 0


def choose_moment(kind, rng):
    if kind == "time":
        return {"seconds": round(rng.uniform(0, 4), 3)}
    return {"event": rng.randint(1, 2 * EVENTS_PER_EPOCH)}


def start(folder, when):
    command = [sys.executable, __file__, "--output", str(folder)]
    command += ["--child", json.dumps(when)]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".log"), "a") as log:
        return subprocess.run(
            command, env=environment, stdout=log, stderr=log
        ).returncode


def train_in_process(folder, when):
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    import keras
    from tiny_segmenter import TinySegmenter

    from keras_seg.training import train

    class Source(list):
        num_classes, ignore_class = 3, 255
        class_names = ["a", "b", "c"]

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (10, 4, 4), "uint8").repeat(8, 1).repeat(8, 2)
    source = Source((np.stack([x * 80] * 3, axis=-1), x) for x in labels)
    source.names = [str(i) for i in range(len(source))]
    keras.utils.set_random_seed(1)
    train(
        TinySegmenter(),
        source,
        folder,
        resume=True,
        callbacks=[KillFromNowOn(folder, when).as_callback()] if when else (),
        epochs=EPOCHS,
        steps_per_epoch=STEPS,
        batch_size=2,
        crop_size=[32, 32],
        ema=0.9,
        verbose=2,
        patience=0,
    )
    return 0


class KillFromNowOn:
    """Kills this process once training has begun."""

    def __init__(self, folder, when):
        self.folder, self.when, self.events = str(folder), when, 0

    def as_callback(self):
        import keras

        return keras.callbacks.LambdaCallback(on_train_begin=self.begin)

    def begin(self, logs=None):
        if "seconds" in self.when:
            threading.Timer(self.when["seconds"], self.kill).start()
        else:
            sys.addaudithook(self.count)

    def count(self, event, arguments):
        if event in ("open", "os.rename", "os.remove", "os.truncate"):
            if str(arguments[0]).startswith(self.folder):
                self.events += 1
                if self.events == self.when["event"]:
                    self.kill()

    def kill(self):
        os.kill(os.getpid(), signal.SIGKILL)


def compare(whole, killed):
    """The largest difference, or ends the process if the runs are not equal."""
    histories = []
    for folder in (whole, killed):
        lines = (folder / "history.jsonl").read_text().splitlines()
        lines = [json.loads(line) for line in lines]
        histories.append([{**line, "seconds": 0} for line in lines])
    if [line["epoch"] for line in histories[1]] != list(range(1, EPOCHS + 1)):
        raise SystemExit(f"{killed}: the history has other epochs: {histories[1]}")
    differences = [
        abs(a[name] - b[name])
        for a, b in zip(*histories, strict=True)
        for name in a
        if isinstance(a[name], float)
    ]
    for name in FILES:
        first, second = arrays_of(whole / name), arrays_of(killed / name)
        if first.keys() != second.keys():
            raise SystemExit(f"{killed / name} holds other arrays.")
        differences += [np.abs(first[key] - second[key]).max() for key in first]
    difference = float(max(differences))
    if not difference < 1e-5:
        raise SystemExit(f"{killed} differs from the unbroken run by {difference}.")
    values = [
        json.loads((folder / "results.json").read_text())["val"]["mean_iou"]
        for folder in (whole, killed)
    ]
    if abs(values[0] - values[1]) > 1e-5:
        raise SystemExit(f"{killed}: other results, {values}.")
    leftover = [path for path in killed.rglob("unfinished-*")]
    if leftover:
        raise SystemExit(f"{killed}: unfinished files are left: {leftover}.")
    return difference


def arrays_of(path):
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: np.asarray(item, "float64")})
                if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu"
                else None
            )
        )
    return arrays


if __name__ == "__main__":
    sys.exit(main())
