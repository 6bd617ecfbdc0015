import statistics
import sys
import time

import keras
from tqdm import tqdm

TIMED_STEPS = 5
UNTIMED_STEPS = 2  # tracing and compiling, reading the first images


class Progress(keras.callbacks.Callback):
    """Shows how far a run is and how long it will take.

    The time of a step is measured in the first steps and printed with the time of an
    epoch and of the run. Then there is a line for each epoch; `verbose=1` adds a
    progress bar with the time left.

    Args:
        run: `keras_seg.training.RunFolder`, which is called before.
        args: Namespace with `epochs`, `steps_per_epoch` and `accumulate`.
        verbose: 0, 1 or 2.

    Example:

    ```python
    from keras_seg.training.progress import in_words

    print(in_words(100))  # 1.7 min
    ```
    """

    def __init__(self, run, args, verbose):
        super().__init__()
        self.run = run
        self.epochs = args.epochs
        self.steps = args.steps_per_epoch * args.accumulate
        self.verbose = verbose
        self.times = []
        self.seconds = []  # of the epochs of this process
        self.bar = None

    def on_train_begin(self, logs=None):
        self.first = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.last = time.monotonic()
        if self.bar is None and self.verbose == 1:
            left = (self.epochs - epoch) * self.steps
            self.bar = tqdm(total=left, unit="step", file=sys.stdout)

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self.bar is not None:
            self.bar.update(1)
            self.bar.set_postfix(loss=f"{float(logs['loss']):.3f}", refresh=False)
        if self.verbose and len(self.times) < UNTIMED_STEPS + TIMED_STEPS:
            self.times.append(now - self.last)
            if len(self.times) == UNTIMED_STEPS + TIMED_STEPS:
                self._say_time(statistics.median(self.times[UNTIMED_STEPS:]))
        self.last = now

    def on_epoch_end(self, epoch, logs=None):
        if not self.verbose:
            return
        line = self.run.lines[-1]
        self.seconds.append(line["seconds"])
        parts = [f"epoch {epoch + 1} of {self.epochs}: loss {line['loss']:.3f}"]
        if "val_mean_iou" in line:
            mark = " (best)" if self.run.best is line else ""
            parts.append(f"val mean IoU {line['val_mean_iou']:.1%}{mark}")
        parts.append(in_words(line["seconds"]))
        left = statistics.fmean(self.seconds) * (self.epochs - epoch - 1)
        if left:
            parts.append(f"about {in_words(left)} left")
        self._print(", ".join(parts))

    def on_train_end(self, logs=None):
        if self.bar is not None:
            self.bar.close()

    def _say_time(self, step):
        epoch = step * self.steps
        left = epoch * (self.epochs - self.epoch)
        self._print(
            f"{step:.2g} s per step: about {in_words(epoch)} for an epoch of "
            f"{self.steps} steps and {in_words(left)} for {self.epochs - self.epoch} "
            "epochs, validation not counted. The first step took "
            f"{in_words(self.times[0])}."
        )

    def _print(self, text):
        if self.bar is not None:
            self.bar.write(text, file=sys.stdout)
        else:
            print(text, flush=True)


def in_words(seconds):
    """A time in the unit that suits it."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
