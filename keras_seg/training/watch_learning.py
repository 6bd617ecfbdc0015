"""Warnings of a run in which nothing is learned."""

import keras
import numpy as np

from keras_seg.metrics.confusion_metric import ConfusionMetric

FIRST_EPOCHS = 3
FLAT = 0.98


class WatchLearning(keras.callbacks.Callback):
    """Warns, once each, if the loss is flat or classes are never predicted.

    The loss is judged after a tenth of the epochs, at least three; classes in the
    validations of the last two thirds.

    Args:
        run: `keras_seg.training.RunFolder`, which is called before.
        args: Namespace with `epochs`, `learning_rate` and `initial_weights`.
        model: Compiled model with a `keras_seg.metrics.MeanIoU`.

    Example:

    ```python
    from keras_seg.training.watch_learning import flat_loss

    print(flat_loss([{"loss": 1.0}] * 3, epochs=20, learning_rate=1e-4))
    ```
    """

    def __init__(self, run, args, model):
        super().__init__()
        self.run = run
        self.epochs = args.epochs
        self.learning_rate = args.learning_rate
        self.goes_on = args.initial_weights is not None
        self.class_names = model.class_names
        self.said = set()
        self.in_epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.in_epoch = epoch + 1

    def on_test_end(self, logs=None):
        counts = _confusion(self.model)
        if counts is not None and self.in_epoch > self.epochs / 3:
            problem = never_predicted(counts, self.class_names)
            self._say(problem, "classes")

    def on_epoch_end(self, epoch, logs=None):
        problem = flat_loss(
            self.run.lines, self.epochs, self.learning_rate, self.goes_on
        )
        self._say(problem, "loss")

    def _say(self, problem, kind):
        if problem and kind not in self.said:
            self.said.add(kind)
            print(f"Warning: {problem}", flush=True)


def flat_loss(lines, epochs, learning_rate, goes_on=False):
    """What is wrong if the loss has not fallen since the first epoch, or `None`.

    Args:
        lines: List of dictionaries, the history.
        epochs: Integer, all epochs of the run.
        learning_rate: Float.
        goes_on: Boolean. Whether the weights are those of an earlier run.
    """
    if len(lines) < max(FIRST_EPOCHS, epochs // 10):
        return None
    first, last = lines[0]["loss"], lines[-1]["loss"]
    if last < FLAT * first:
        return None
    fell = f"was {first:.3f} in epoch 1 and is {last:.3f} in epoch {len(lines)}"
    if goes_on:
        return (
            f"the loss {fell}. The weights of --initial-weights may have nothing more "
            "to learn from this data; only a validation can tell."
        )
    return (
        f"nothing is learned: the loss {fell}. Look at the crops and masks in "
        "report/crops.png of the run, and try a learning rate below or above "
        f"{learning_rate:g}."
    )


def never_predicted(counts, names):
    """Which classes the truth has and no prediction, in words, or `None`.

    Args:
        counts: Integer array `(truth, prediction)`, see `keras_seg.metrics.MeanIoU`.
        names: List of strings, or `None`.
    """
    classes = len(counts)
    truth, predicted = counts.sum(axis=1), counts.sum(axis=0)[:classes]
    missing = np.flatnonzero((truth > 0) & (predicted == 0))
    if not len(missing):
        return None
    shares = truth / max(1, truth.sum())
    listed = ", ".join(
        f"{names[k] if names else k} ({shares[k]:.1%} of the pixels)"
        for k in missing[:8]
    )
    more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
    return (
        f"never predicted in validation: {listed}{more}. Rare classes need more "
        "images, --focus-classes ID, or --repeat-rare 0.1; a frequent one points to "
        "wrong masks."
    )


def _confusion(model):
    for metric in model.metrics:
        for part in (metric, *getattr(metric, "metrics", ())):
            if isinstance(part, ConfusionMetric):
                return part.confusion_matrix()
    return None
