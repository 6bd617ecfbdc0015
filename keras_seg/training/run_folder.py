"""The files of a training run, and how it goes on after it was killed."""

import json
import math
import time

import h5py
import keras

from keras_seg.training.replace_file import replace_file
from keras_seg.training.run_error import RunError
from keras_seg.training.weight_files import WeightFiles

LATEST, PREVIOUS = "backup/latest.weights.h5", "backup/previous.weights.h5"
BEST, BEST_BEFORE = "best.weights.h5", "backup/best_before.weights.h5"


class RunFolder(keras.callbacks.Callback):
    """Writes a run to a folder so that it can be killed at any moment.

    - `history.jsonl`: a line per epoch
    - `last.weights.h5`, `best.weights.h5`: averaged weights, the latter of the epoch
      with the highest `val_mean_iou`. (`keras.callbacks.ModelCheckpoint` would take
      every epoch without validation for the best one, and forgets the best value when
      a run is resumed.)
    - `backup/latest.weights.h5`, `backup/previous.weights.h5`: weights and state of the
      optimizer after the last epoch and the one before
    - `backup/best_before.weights.h5`: what was in `best.weights.h5` before, in case the
      epoch that replaced it is interrupted before its backup and done again
    - `hashes.json`: the hashes of these weights

    The backup is written when an epoch is complete with all its other files, and it
    alone determines how many epochs are done: it holds their number. (The optimizer
    does not count the steps that float16 skips.) So an epoch that was interrupted, also
    between two files, is done again with the same batches. Each file replaces the one
    before in a single step. A damaged backup is reported, and the one before is used.

    It must come after `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)`, which
    puts the averaged weights into the model between the epochs.

    Args:
        path: `pathlib.Path` of the folder.
        steps_per_epoch: Integer.
        note: Dictionary that is added to each line of the history.

    Example:

    ```python
    import pathlib
    import tempfile

    from keras_seg.training import RunFolder

    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(pathlib.Path(folder), steps_per_epoch=10, note={})
        print(run.is_used, run.best)  # False None
    ```
    """

    def __init__(self, path, steps_per_epoch, note) -> None:
        super().__init__()
        self.path = path
        self.steps_per_epoch = steps_per_epoch
        self.note = note
        self.lines = []
        self.started = None
        self.damaged = []
        self.files = WeightFiles(path)
        (path / "backup").mkdir(parents=True, exist_ok=True)

    @property
    def is_used(self):
        """Whether the folder holds a run."""
        return (self.path / "history.jsonl").exists()

    @property
    def hours(self):
        """Time in complete epochs, validation included."""
        return sum(line["seconds"] for line in self.lines) / 3600

    @property
    def best(self):
        """The line of the history with the highest validation score, or `None`."""
        validated = [line for line in self.lines if "val_mean_iou" in line]
        return max(validated, key=lambda line: line["val_mean_iou"], default=None)

    def restore(self, model):
        """Loads the backup, if there is one.

        Args:
            model: Compiled model.

        Returns:
            Integer, the number of epochs that are done.

        Raises:
            RunError: If the backups are damaged or of another model, or if the run
                was begun with another number of steps per epoch.
        """
        backup, epochs, rest = self._find_backup(), 0, 0
        if backup is not None:
            epochs = self._load(backup, model)
            if epochs is None:  # written by an older version
                epochs, rest = divmod(
                    int(model.optimizer.iterations), self.steps_per_epoch
                )
        lines = self._read_history()
        if rest or any(
            line.get("steps_per_epoch", self.steps_per_epoch) != self.steps_per_epoch
            for line in lines
        ):
            raise RunError(
                f"{self.path} was begun with another --steps-per-epoch than "
                f"{self.steps_per_epoch}. Resume it with the same."
            )
        self.lines = [line for line in lines if line["epoch"] <= epochs]
        if self.lines != lines:
            self._write_history()
            self._restore_best()
        return int(epochs)

    def load_averages(self, model, name):
        """Loads `best.weights.h5` or `last.weights.h5`, or raises a `RunError`."""
        model.load_weights(self.files.require(name))

    def on_epoch_begin(self, epoch, logs=None):
        if self.started is not None:
            self._save_backup(epoch)
        self.started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise RunError(
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
            self._save(BEST, keep=BEST_BEFORE, epochs=epoch + 1)
        self._write_history()

    def on_train_end(self, logs=None):
        if self.started is not None:
            self._save_backup(self.lines[-1]["epoch"])

    def _find_backup(self):
        """The name of the newest backup that is intact."""
        self.damaged = damaged = []
        for name in (LATEST, PREVIOUS):
            state = self.files.state(name)
            if state == "unknown" and not _is_hdf5(self.path / name):
                state = "damaged"
            if state in ("intact", "unknown"):
                if damaged:
                    print(
                        f"{self.path / damaged[0]} is damaged. The run goes on from "
                        f"{name}, one epoch before."
                    )
                return name
            if state == "damaged":
                damaged.append(name)
        if damaged:
            raise RunError(
                f"The backups of the run are damaged: {', '.join(damaged)} in "
                f"{self.path}. Begin a new run in another folder; --initial-weights "
                f"{self.path / 'last.weights.h5'} begins it with the averaged weights "
                "of the last epoch."
            )
        return None

    def _restore_best(self):
        """Puts back the best weights of before the epochs that are done again."""
        if self.best is None:
            return
        for name in (BEST, BEST_BEFORE):
            path = self.path / name
            if self.files.state(name) not in ("intact", "unknown"):
                continue
            with h5py.File(path) as file:
                epoch = file.attrs.get("epochs")
            if epoch in (None, self.best["epoch"]):  # older versions wrote none
                path.replace(self.path / BEST)
                return
        print(
            f"{self.path / BEST} is of an epoch that is trained again, and may stay "
            f"although epoch {self.best['epoch']} had the best validation."
        )

    def _load(self, name, model):
        path, optimizer = self.path / name, model.optimizer
        optimizer.build(model.trainable_variables)
        optimizer.variables[0].assign(-1)  # a value that no state has
        try:
            model.load_weights(path)
        except (ValueError, KeyError, OSError, RuntimeError) as error:
            raise RunError(
                f"{path} fits another model or optimizer, or is damaged: {error}"
            ) from error
        if int(optimizer.variables[0]) == -1:
            raise RunError(f"{path} fits another model or optimizer.")
        with h5py.File(path) as file:
            return file.attrs.get("epochs")

    def _save_backup(self, epochs):
        # A damaged backup does not replace the intact one before it.
        keep = None if LATEST in self.damaged else PREVIOUS
        self._save(LATEST, keep=keep, epochs=epochs)
        self.damaged = []

    def _save(self, name, keep=None, **facts):
        def write(unfinished):
            self.model.save_weights(unfinished)
            with h5py.File(unfinished, "a") as file:
                file.attrs.update(facts)

        variables = [*self.model.variables, *self.model.optimizer.variables]
        size = sum(math.prod(v.shape) * 4 + 4096 for v in variables)
        self.files.write(name, write, size, keep)

    def _read_history(self):
        if not self.is_used:
            return []
        path = self.path / "history.jsonl"
        try:
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            if any("epoch" not in line for line in lines):
                raise ValueError("a line has no epoch")
        except (ValueError, TypeError) as error:
            raise RunError(
                f"{path} is damaged: {error}. Delete the line, or restore the file "
                "from a copy."
            ) from error
        return lines

    def _write_history(self):
        with replace_file(self.path / "history.jsonl") as unfinished:
            unfinished.write_text(
                "".join(json.dumps(line) + "\n" for line in self.lines)
            )


def _is_hdf5(path):
    try:
        with h5py.File(path):
            return True
    except OSError:
        return False
