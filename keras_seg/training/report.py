"""The results of a run, as tables and as facts for a file."""

import os
import pathlib
import platform
import subprocess

import keras
import numpy as np

from keras_seg import inference


def evaluate(model, source, name, progress=False, long_side=None):
    """Evaluates whole images, single scale, no flip.

    Args:
        model: `keras_seg.models.Segmenter`.
        source: Source of `(image, label)` pairs.
        name: String for the progress bar.
        progress: Boolean. Whether to show one.
        long_side: Integer or `None`. Larger images are downscaled to it for the model.

    Returns:
        Dictionary, see `keras_seg.inference.evaluate`, with `class_pixels` added, and
        a `Details`.
    """
    details = Details(model.num_classes)
    result = inference.evaluate(
        model,
        source,
        inference.TestProtocol(long_side=long_side or None),
        progress=progress and name,
        on_image=details.add,
    )
    pixels = details.confusion.sum(axis=1).tolist()
    result["class_pixels"] = dict(zip(result["class_iou"], pixels, strict=True))
    return result, details


class Details:
    """The confusion matrix of a data set and the score of each image.

    Args:
        num_classes: Integer `K`.

    Attributes:
        confusion: Integer array `(truth, prediction)`, `(K, K + 1)`. The last column
            counts predictions that are no class.
        scores: List of floats, the mean IoU of each image over the classes that occur
            in it; NaN for an image that is all void.

    Example:

    ```python
    import numpy as np

    from keras_seg.training.report import Details

    details = Details(2)
    details.add(0, np.array([[0, 1, 255]]), np.array([[0, 0, 1]]))
    print(details.confusion.tolist(), details.scores)  # [[1, 0, 0], [1, 0, 0]] [0.25]
    ```
    """

    def __init__(self, num_classes):
        self.num_classes = num_classes
        self.confusion = np.zeros((num_classes, num_classes + 1), "int64")
        self.scores = []

    def add(self, index, truth, labels):
        """Counts the pixels of one image."""
        classes = self.num_classes
        valid = (truth >= 0) & (truth < classes)
        guess = labels[valid].astype("int64")
        guess = np.where((guess >= 0) & (guess < classes), guess, classes)
        cells = truth[valid].astype("int64") * (classes + 1) + guess
        counts = np.bincount(cells, minlength=classes * (classes + 1))
        counts = counts.reshape(classes, classes + 1)
        self.confusion += counts
        present = counts.sum(axis=1) > 0
        hits = np.diagonal(counts)
        union = counts.sum(axis=1) + counts[:, :classes].sum(axis=0) - hits
        iou = hits[present] / union[present]
        self.scores.append(float(iou.mean()) if len(iou) else float("nan"))


def print_table(name, result):
    """Prints scores in percent, and `-` for a class that does not occur at all.

    Args:
        name: String, the split.
        result: Dictionary that `evaluate` returned.
    """
    rows = {
        **result["class_iou"],
        "mean IoU": result["mean_iou"],
        "mean class accuracy": result["mean_class_accuracy"],
        "pixel accuracy": result["pixel_accuracy"],
        **{
            f"regions, {name.replace('_', ' ')}": value
            for name, value in result.get("regions", {}).items()
        },
    }
    width = max(map(len, rows))
    print(f"\n{name}: {result['images']} images")
    for title, value in rows.items():
        print(f"  {title:<{width}} " + ("   -" if value is None else f"{value:6.1%}"))


def describe_run(args, run, weights):
    """The facts that are needed to repeat a run, without paths of the machine.

    Args:
        args: Dictionary of the arguments.
        run: `keras_seg.training.RunFolder`.
        weights: String, the name of the weights file that was measured.

    Returns:
        Dictionary that can be written as JSON.
    """
    arguments = portable(args)
    backbone_weights, initial_weights = (
        pathlib.Path(args[name] or "").name
        for name in ("backbone_weights", "initial_weights")
    )
    return {
        "arguments": arguments,
        "backbone_weights": backbone_weights or None,
        "initial_weights": initial_weights or None,
        "weights": weights,
        "seed": arguments["seed"],
        "commit": _commit(),
        "backend": keras.config.backend(),
        "keras": keras.__version__,
        "hardware": f"{os.cpu_count()} x {_processor()}",
        "hours": round(run.hours, 3),
        "epochs": len(run.lines),
        "best_epoch": run.best and run.best["epoch"],
    }


def portable(args):
    """The arguments of a run without paths of the machine.

    Args:
        args: Dictionary of the arguments.

    Returns:
        Dictionary that can be written as JSON.
    """
    paths = ("data_dir", "images", "masks", "val_images", "val_masks", "output")
    weights = ("backbone_weights", "initial_weights")
    arguments = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in args.items()
        if key not in (*paths, *weights)
    }
    for key, parts in (
        ("architecture", 1),
        ("backbone", 1),
        ("initial_memory", 1),
        ("preset", 2),
    ):
        if arguments[key]:
            arguments[key] = "/".join(pathlib.Path(arguments[key]).parts[-parts:])
    return arguments


def _commit():
    try:
        run = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            cwd=pathlib.Path(__file__).parent,
        )
    except OSError:
        return None
    return run.stdout.strip() or None


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(s.split(":")[1].strip() for s in lines if "model name" in s)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(heads, rows):
    """A table in Markdown.

    Args:
        heads: List of strings.
        rows: Lists of as many cells.

    Returns:
        String of one line per row.

    Example:

    ```python
    from keras_seg.training.report import table

    print(table(["class", "IoU"], [["sky", 90.1]]))
    ```
    """
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
