"""`NAME.json`, which describes the exported files of one model."""

import hashlib
import json
from pathlib import Path

FORMAT_VERSION = 1
OUTPUTS = ("logits", "head_logits", "labels")
MAX_BYTES = 10_000_000


def description_path(path):
    """The path of the description of an exported file: `NAME.json` beside it."""
    path = Path(path)
    return path.with_name(f"{path.stem if path.suffix in SUFFIXES else path.name}.json")


SUFFIXES = {".onnx": "onnx", ".tflite": "litert", ".xml": "openvino"}


def format_of(path):
    """The format of an exported file by its name; a folder is a SavedModel."""
    suffix = Path(path).suffix
    return SUFFIXES.get(suffix, "saved-model")


def read_description(path):
    """Reads `NAME.json` and checks that all that a runtime needs is there.

    Args:
        path: Path of the JSON file.

    Returns:
        Dictionary.

    Raises:
        ValueError: If the file is no description of an exported model.
        OSError: If it is missing or cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"'{path}' is missing. An exported model consists of its file and of this "
            "description of its classes: copy both."
        )
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"'{path}' is too large for the description of a model.")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"'{path}' is not JSON ({error}). Export again.") from error
    problem = _problem(description)
    if problem:
        raise ValueError(
            f"'{path}' does not describe an exported model: {problem}. Export again."
        )
    return description


def _problem(description):
    if not isinstance(description, dict):
        return f"expected an object, found {type(description).__name__}"
    version = description.get("format_version")
    if version != FORMAT_VERSION:
        return f"expected format_version {FORMAT_VERSION}, found {version!r}"
    count = description.get("num_classes")
    if not _is_whole(count) or not 1 <= count <= 65535:
        return f"num_classes is {count!r}"
    names, palette = description.get("class_names"), description.get("palette")
    if not isinstance(names, list) or len(names) != count:
        return f"class_names must be a list of {count} names"
    if not all(isinstance(name, str) for name in names):
        return "class_names must be strings"
    if not isinstance(palette, list) or len(palette) != count:
        return f"palette must be a list of {count} colours"
    if not all(isinstance(c, list) and len(c) == 3 for c in palette) or not all(
        _is_whole(value) and 0 <= value <= 255 for colour in palette for value in colour
    ):
        return "each colour of palette must be three integers in 0..255"
    for key in ("ignore_class", "long_side"):
        value = description.get(key)
        if value is not None and not _is_whole(value):
            return f"{key} is {value!r}"
    if (description.get("long_side") or 0) < 0:
        return f"long_side is {description['long_side']}"
    scale = description.get("input_scale")
    if not isinstance(scale, (int, float)) or not 1 <= scale <= 64:
        return f"input_scale is {scale!r}"
    files = description.get("files")
    if not isinstance(files, dict):
        return "files is missing"
    for name, entry in files.items():
        if not isinstance(entry, dict) or entry.get("output") not in OUTPUTS:
            return f"output of {name} must be one of {OUTPUTS}"
        size = entry.get("size")
        whole = isinstance(size, list) and len(size) == 2 and all(map(_is_whole, size))
        if size is not None and not whole:
            return f"size of {name} is {size!r}"
        if not isinstance(entry.get("sha256"), dict) or not entry["sha256"]:
            return f"sha256 of {name} is missing"
    return None


def _is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def file_hashes(path):
    """The SHA-256 of an exported file, or of all files that belong to it.

    Args:
        path: Path of the file. A `.xml` of OpenVINO has a `.bin` beside it, and a
            SavedModel is a folder.

    Returns:
        Dictionary from names, relative to the folder of `path`, to hashes.
    """
    path = Path(path)
    parts = [path]
    if path.is_dir():
        parts = sorted(part for part in path.rglob("*") if part.is_file())
    elif path.suffix == ".xml":
        parts.append(path.with_suffix(".bin"))
    return {part.relative_to(path.parent).as_posix(): _sha256(part) for part in parts}


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
