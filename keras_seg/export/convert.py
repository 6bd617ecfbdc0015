"""Conversion of a model, and runs of its files, each in a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np


def convert(model, modules, files, size, output, weights, folder):
    """Writes the files of a model in a process of its own, on TensorFlow.

    The weights of a model are the same on all backends, and TensorFlow is the one from
    which files for images of any size can be made.

    Args:
        model: `keras_seg.models.Segmenter`.
        modules: List of modules that register its classes.
        files: Dictionary from formats to paths.
        size: Pair `(height, width)` or `None`.
        output: `"logits"`, `"head_logits"` or `"labels"`.
        weights: `"float32"` or `"float16"`.
        folder: Path of an empty folder for intermediate files.

    Returns:
        Dictionary from the formats that cannot be written to errors in one line.

    Raises:
        ValueError: If the process ends without a result.
    """
    model.save(folder / "model.keras")
    order = {
        "model": str(folder / "model.keras"),
        "modules": modules,
        "files": {form: str(path) for form, path in files.items()},
        "size": size,
        "output": output,
        "weights": weights,
    }
    path = folder / "order.json"
    path.write_text(json.dumps(order))
    log = _run(["keras_seg.export.worker", str(path)], KERAS_BACKEND="tensorflow")
    result = folder / "result.json"
    if not result.exists():
        raise ValueError(f"The conversion ended without a result: {_last_line(log)}")
    return json.loads(result.read_text())["errors"]


def run_file(form, path, batches, folder):
    """The outputs of a file for batches of images, in a process without Keras.

    Args:
        form: String, a format.
        path: Path of the file.
        batches: Dictionary from names to uint8 arrays `(B, H, W, 3)`.
        folder: Path of a folder for intermediate files.

    Returns:
        Dictionary from names to arrays.

    Raises:
        ValueError: If the runtime cannot run the file.
    """
    images, outputs = folder / "images.npz", folder / "outputs.npz"
    outputs.unlink(missing_ok=True)
    np.savez(images, **batches)
    module = "keras_seg_runtime.exported.run_file"
    log = _run([module, form, str(path), str(images), str(outputs)])
    if not outputs.exists():
        raise ValueError(
            f"The file for {form} does not run in its own runtime: {_last_line(log)}"
        )
    with np.load(outputs) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _run(words, **environment):
    """Runs a module of Python on the CPU and returns what it wrote to stderr."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **environment,
    }
    process = subprocess.run(
        [sys.executable, "-m", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    return process.stderr


def _last_line(log):
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "no message"
