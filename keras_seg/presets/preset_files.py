"""Reads the files of a preset folder with care: size, hash, readable at all."""

import hashlib
import json

import h5py

CONFIG = "config.json"
TASK = "task.json"
METADATA = "metadata.json"
BACKBONE_WEIGHTS = "model.weights.h5"
TASK_WEIGHTS = "task.weights.h5"

# Far more than any model here needs.
MAX_JSON_BYTES = 1 << 20
MAX_WEIGHT_BYTES = 1 << 32


def read_json(path):
    """The dictionary in a JSON file of at most 1 MiB.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is too large or holds something else.
    """
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise ValueError(
            f"'{path}' has {size:,} bytes, expected at most {MAX_JSON_BYTES:,}. It is "
            "no file of a preset."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"'{path}' is not valid JSON ({error}). Save or copy the preset again."
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"'{path}' must hold a JSON object. Received: {type(content).__name__}."
        )
    return content


def sha256(path):
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
        if not path.is_file():
            raise FileNotFoundError(f"'{path}' is missing from the preset. {fix}")
        found = sha256(path)
        if found != expected:
            raise ValueError(
                f"'{path}' is damaged or was changed. Expected SHA-256 {expected}, "
                f"found {found}. {fix}"
            )


def check_weights(path):
    """Raises unless `path` is an HDF5 file that declares a sane amount of data.

    Links, external and virtual data sets are refused by Keras when it reads them.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is damaged or declares more than 4 GiB.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"'{path}' is missing from the preset. Save or copy the preset again, or "
            "pass load_weights=False."
        )
    sizes = []

    def add(name, item):
        if isinstance(item, h5py.Dataset):
            sizes.append(item.size * item.dtype.itemsize)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(add)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"'{path}' cannot be read as HDF5 ({error}). It is cut short or damaged: "
            "save or copy the preset again."
        ) from error
    if sum(sizes) > MAX_WEIGHT_BYTES:
        raise ValueError(
            f"'{path}' declares {sum(sizes):,} bytes of weights, expected at most "
            f"{MAX_WEIGHT_BYTES:,}. It is no file of a preset."
        )
