"""The formats of exported files, and the packages that they need."""

import dataclasses
import importlib.util


@dataclasses.dataclass(frozen=True)
class Format:
    """What is known about one format.

    `suffix` is that of the file, empty for a folder; `packages` are those that write
    and run it: pairs of module and name for pip.
    """

    suffix: str
    packages: tuple


TENSORFLOW = ("tensorflow", "tensorflow")
TF2ONNX = (("tf2onnx", "tf2onnx"), ("onnx", "onnx"))
FORMATS = {
    "onnx": Format(".onnx", (TENSORFLOW, *TF2ONNX, ("onnxruntime", "onnxruntime"))),
    "litert": Format(".tflite", (TENSORFLOW, ("ai_edge_litert", "ai-edge-litert"))),
    "openvino": Format(".xml", (TENSORFLOW, *TF2ONNX, ("openvino", "openvino"))),
    "saved-model": Format("", (TENSORFLOW,)),
}
WEIGHTS = ("float32", "float16")


def check_formats(formats, weights="float32"):
    """Checks that formats are known and that all packages for them are installed.

    Args:
        formats: List of strings.
        weights: `"float32"` or `"float16"`.

    Raises:
        ValueError: If a format is unknown or cannot store such weights.
        ModuleNotFoundError: If packages are missing.
    """
    unknown = [form for form in formats if form not in FORMATS]
    if unknown or not formats:
        raise ValueError(
            f"`format` must be one of {list(FORMATS)}. Received: {unknown or formats}"
        )
    if weights not in WEIGHTS:
        raise ValueError(
            f"`weights` must be one of {list(WEIGHTS)}. Received: weights={weights!r}"
        )
    if weights == "float16" and "saved-model" in formats:
        raise ValueError(
            "A SavedModel stores weights in single precision. Received: "
            "weights='float16' for format 'saved-model'. Export it with "
            "weights='float32', or choose 'onnx', 'litert' or 'openvino'."
        )
    missing = {
        package: None
        for form in formats
        for module, package in FORMATS[form].packages
        if importlib.util.find_spec(module) is None
    }
    if missing:
        raise ModuleNotFoundError(
            f"Exporting to {', '.join(formats)} requires packages that are not "
            f"installed: {', '.join(missing)}. Try: pip install 'keras-seg[export]'. "
            "Files are converted on TensorFlow, whichever backend you use."
        )


def format_of_path(path):
    """The format whose suffix a path has, or `None` if it has no suffix of one."""
    for name, form in FORMATS.items():
        if form.suffix and str(path).endswith(form.suffix):
            return name
    return None
