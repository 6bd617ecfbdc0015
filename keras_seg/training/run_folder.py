"""The files of a training run, and its continuation after a kill."""

import json
import math
import os
import time

import h5py
import keras


class RunFolder(keras.callbacks.Callback):
    """Writes a run to a folder so that it can be killed at any moment.

    - `history.jsonl`: a line per epoch
    - `last.weights.h5`, `best.weights.h5`: averaged weights, the latter of the epoch
      with the highest `val_mean_iou`. (Keras's `ModelCheckpoint` would take every
      epoch that is not validated for the best one, and forgets the best value when a
      run is resumed.)
    - `backup/latest.weights.h5`: weights and state of the optimizer

    The backup is written when an epoch is complete with all its other files, and alone
    tells how far the run had come: it holds the number of epochs. (The optimizer does
    not count the steps that float16 skips.) So an epoch that was interrupted, also
    between two files, is done again with the same batches. Each file replaces the one
    before in a single step.

    Args:
        path: `pathlib.Path` of the folder.
        steps_per_epoch: Integer.
        note: Dictionary that goes into each line of the history.

    It must come behind `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)`, which
    puts the averaged weights into the model between the epochs.
    """

    def __init__(self, path, steps_per_epoch, note):
        super().__init__()
        self.path = path
        self.steps_per_epoch = steps_per_epoch
        self.note = note
        self.lines = []
        self.started = None
        (path / "backup").mkdir(parents=True, exist_ok=True)

    @property
    def is_used(self):
        return (self.path / "history.jsonl").exists()

    @property
    def hours(self):
        """Time in complete epochs, validation included."""
        return sum(line["seconds"] for line in self.lines) / 3600

    @property
    def best(self):
        """The history's line with the highest validation score, or `None`."""
        validated = [line for line in self.lines if "val_mean_iou" in line]
        return max(validated, key=lambda line: line["val_mean_iou"], default=None)

    def restore(self, model):
        """Loads the backup, if there is one, and returns the number of epochs done."""
        backup, epochs, rest = self.path / "backup" / "latest.weights.h5", 0, 0
        if backup.exists():
            optimizer = model.optimizer
            optimizer.build(model.trainable_variables)
            optimizer.variables[0].assign(-1)  # no state has it
            model.load_weights(backup)
            if int(optimizer.variables[0]) == -1:
                raise SystemExit(f"{backup} fits another model or optimizer.")
            with h5py.File(backup) as file:
                epochs = file.attrs.get("epochs")
            if epochs is None:  # older runs
                epochs, rest = divmod(int(optimizer.iterations), self.steps_per_epoch)
        lines = []
        if self.is_used:
            text = (self.path / "history.jsonl").read_text()
            lines = [json.loads(line) for line in text.splitlines()]
        if rest or any(
            line.get("steps_per_epoch", self.steps_per_epoch) != self.steps_per_epoch
            for line in lines
        ):
            raise SystemExit(
                f"{self.path} was begun with another --steps-per-epoch than "
                f"{self.steps_per_epoch}. Resume it with the same."
            )
        self.lines = [line for line in lines if line["epoch"] <= epochs]
        if self.lines != lines:
            self._write_history()
        return int(epochs)

    def on_epoch_begin(self, epoch, logs=None):
        if self.started is not None:
            self._save("backup/latest.weights.h5", epochs=epoch)
        self.started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise SystemExit(
                f"The loss is {logs['loss']} at batch {batch + 1} of the epoch. The "
                f"files in {self.path} are from before it. Begin anew with a lower "
                "--learning-rate."
            )

    def on_epoch_end(self, epoch, logs=None):
        line = {key: float(value) for key, value in logs.items()}
        line.update(
            self.note,
            epoch=epoch + 1,
            steps_per_epoch=self.steps_per_epoch,
            seconds=time.monotonic() - self.started,
        )
        before = self.best
        self.lines.append(line)
        self._save("last.weights.h5")
        if self.best is not before:
            self._save("best.weights.h5")
        self._write_history()

    def on_train_end(self, logs=None):
        if self.started is not None:
            self._save("backup/latest.weights.h5", epochs=self.lines[-1]["epoch"])

    def _save(self, name, **facts):
        path = self.path / name
        unfinished = path.with_name(f"unfinished-{path.name}")
        self.model.save_weights(unfinished)
        with h5py.File(unfinished, "a") as file:
            file.attrs.update(facts)
        os.replace(unfinished, path)

    def _write_history(self):
        unfinished = self.path / "unfinished-history.jsonl"
        unfinished.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        os.replace(unfinished, self.path / "history.jsonl")
