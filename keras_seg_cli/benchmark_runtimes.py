"""The runtimes of `keras-seg benchmark`, and the exported files that they run."""

import importlib.util
import os
import subprocess
import sys

# The name of a runtime: format and suffix of its file, module and package.
RUNTIMES = {
    "onnxruntime": ("onnx", ".onnx", "onnxruntime", "onnxruntime"),
    "litert": ("litert", ".tflite", "ai_edge_litert", "ai-edge-litert"),
    "openvino": ("openvino", ".xml", "openvino", "openvino"),
}


def missing_runtimes(names):
    """The packages of runtimes that are not installed.

    Example:

    ```python
    from keras_seg_cli.benchmark_runtimes import missing_runtimes

    print(missing_runtimes([]))  # []
    ```
    """
    return [
        RUNTIMES[name][3]
        for name in names
        if importlib.util.find_spec(RUNTIMES[name][2]) is None
    ]


def exported_files(names, exported):
    """The files of runtimes beside each other.

    Args:
        names: List of keys of `RUNTIMES`.
        exported: Path of exported files, without suffix.

    Returns:
        Dictionary from names to paths.

    Raises:
        OSError: If a file is missing.
    """
    paths = {name: exported + RUNTIMES[name][1] for name in names}
    for path in paths.values():
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"--exported: {path} does not exist. Give the path of exported files "
                "without suffix, or leave it out to export the preset first."
            )
    return paths


def export_files(names, preset, folder):
    """Exports a preset for runtimes, in a process of its own.

    Args:
        names: List of keys of `RUNTIMES`.
        preset: Name or folder of a preset.
        folder: Path of an empty folder.

    Returns:
        Dictionary from names to paths.

    Raises:
        RuntimeError: If the export fails, with the last line of its errors.
    """
    words = [sys.executable, "-m", "keras_seg_cli.main", "export", "--preset", preset]
    words += ["--format", *(RUNTIMES[name][0] for name in names), "--output", folder]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise RuntimeError(f"export of {preset}: {lines[-1]}")
    from keras_seg_cli.export import export_name

    return exported_files(names, os.path.join(folder, export_name(preset)))
