"""The files of a preset folder: their names, and JSON and hashes read with care."""

import hashlib
import json

from keras_seg.presets.regular_file import check_regular
from keras_seg.presets.weights_file import MAX_BYTES

CONFIG = "config.json"
TASK = "task.json"
METADATA = "metadata.json"
PREPROCESSOR = "preprocessor.json"
IMAGE_CONVERTER = "image_converter.json"
BACKBONE_WEIGHTS = "model.weights.h5"
TASK_WEIGHTS = "task.weights.h5"

WEIGHTS = (BACKBONE_WEIGHTS, TASK_WEIGHTS)
# All that a preset can consist of; `metadata.json` holds the hashes of the others.
HASHED = (CONFIG, TASK, PREPROCESSOR, IMAGE_CONVERTER, *WEIGHTS)
FILES = (*HASHED, METADATA)

# Far more than any model here needs.
MAX_JSON_BYTES = 1 << 20
MAX_JSON_DEPTH = 32


def read_json(path):
    """The dictionary in a JSON file of at most 1 MiB.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not a regular file, too large, or holds something else.
    """
    check_regular(path, MAX_JSON_BYTES)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_JSON_BYTES + 1).decode("utf-8")
        content = json.loads(text, parse_constant=_refuse)
        _check_depth([content])
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"'{path}' is not valid JSON ({error}). Save or copy the preset again."
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"'{path}' must hold a JSON object. Received: {type(content).__name__}. "
            "Save or copy the preset again."
        )
    return content


def _check_depth(content):
    level, depth = [content], 0
    while level:
        if depth > MAX_JSON_DEPTH:
            raise ValueError(f"nested more than {MAX_JSON_DEPTH} levels deep")
        inner = [x.values() if isinstance(x, dict) else x for x in level]
        level = [y for x in inner for y in x if isinstance(y, dict | list)]
        depth += 1


def _refuse(constant):
    raise ValueError(f"{constant} is not JSON")


def sha256(path):
    """The SHA-256 of a regular file of at most 4 GiB, as hexadecimal digits."""
    check_regular(path, MAX_BYTES)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hashes(folder, hashes, fix):
    """Raises unless the files in `folder` have the SHA-256 that `hashes` gives.

    Args:
        folder: Path.
        hashes: Dictionary from file names to hexadecimal digests.
        fix: Sentence that tells what to do about a wrong file.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is not as expected.
    """
    for name, expected in hashes.items():
        path = folder / name
        if not path.exists():
            raise FileNotFoundError(f"'{path}' is missing from the preset. {fix}")
        found = sha256(path)
        if found != expected:
            raise ValueError(
                f"'{path}' is damaged or was changed. Expected SHA-256 {expected}, "
                f"found {found}. {fix}"
            )
