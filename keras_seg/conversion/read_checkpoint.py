import zipfile
from pathlib import Path

import numpy as np

from keras_seg.conversion.read_mindspore import read_mindspore
from keras_seg.conversion.read_torch import read_torch

# More than any published model here needs.
MAX_BYTES = 1 << 33


def read_checkpoint(path):
    """Reads the arrays of a published checkpoint. No code in it is ever run.

    Args:
        path: Path of a file: `.npz`, `.safetensors`, `.pth` or `.pt` of torch, or
            `.ckpt` of MindSpore. In an `.npz` whose names begin with `weights/`, only
            those are taken, without that beginning.

    Returns:
        Dictionary from names to NumPy arrays.

    Raises:
        ImportError: If a library that reads the format is not installed.
        OSError: If the file cannot be read.
        ValueError: If the file is of another format, damaged, or larger than 8 GiB.

    Example:

    ```python
    import pathlib
    import tempfile
    import numpy as np
    import keras_seg

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "checkpoint.npz")
        np.savez(path, **{"decode_head.conv_seg.bias": np.zeros(3, "float32")})
        print(list(keras_seg.conversion.read_checkpoint(path)))
    ```
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(
            f"'{path}' has no ending of a checkpoint. Expected one of "
            f"{', '.join(sorted(READERS))}."
        )
    _check_size(path, path.stat().st_size)
    # Lightning also writes .ckpt, in torch's format, which is a zip file.
    torch = suffix == ".ckpt" and zipfile.is_zipfile(path)
    return (read_torch if torch else READERS[suffix])(path)


def _read_npz(path):
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(path, sum(entry.file_size for entry in archive.infolist()))
        with np.load(path, allow_pickle=False) as file:
            names = {name: name.removeprefix("weights/") for name in file.files}
            if any(name != short for name, short in names.items()):
                names = {k: v for k, v in names.items() if k != v}
            return {short: file[name] for name, short in names.items()}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"'{path}' cannot be read as a file of arrays: {error}"
        ) from error


def _read_safetensors(path):
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f"'{path}' needs the library that reads it: pip install safetensors"
        ) from error
    try:
        return safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, KeyError, TypeError) as error:
        raise ValueError(
            f"'{path}' cannot be read as safetensors of NumPy's types: {error}"
        ) from error


def _check_size(path, size):
    if size > MAX_BYTES:
        raise ValueError(
            f"'{path}' has {size:,} bytes of arrays, expected at most {MAX_BYTES:,}."
        )


READERS = {
    ".ckpt": read_mindspore,
    ".npz": _read_npz,
    ".pt": read_torch,
    ".pth": read_torch,
    ".safetensors": _read_safetensors,
}
