from pathlib import Path

import numpy as np

from keras_seg.conversion.archive_limits import MAX_BYTES, check_sizes, is_archive
from keras_seg.conversion.read_mindspore import read_mindspore
from keras_seg.conversion.read_npz import read_npz
from keras_seg.conversion.read_safetensors import read_safetensors
from keras_seg.conversion.read_torch import read_torch
from keras_seg.presets.explain_errors import short
from keras_seg.presets.regular_file import check_regular

READERS = {
    ".ckpt": read_mindspore,
    ".npz": read_npz,
    ".pt": read_torch,
    ".pth": read_torch,
    ".safetensors": read_safetensors,
}


def read_checkpoint(path) -> dict:
    """Reads the arrays of a published checkpoint. No code in it is ever run.

    What a file would become in memory is computed from its headers first. A file that
    declares more than it holds is refused before anything is allocated.

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
            f"'{path}' has no suffix of a checkpoint. Expected one of "
            f"{', '.join(sorted(READERS))}. Rename the file if it is one of these."
        )
    size = check_regular(path, MAX_BYTES)
    # Lightning also writes .ckpt, in torch's format, which is a zip file.
    torch = suffix == ".ckpt" and is_archive(path)
    arrays = (read_torch if torch else READERS[suffix])(path)
    strange = [name for name in arrays if not isinstance(name, str)]
    if strange:
        raise ValueError(
            f"'{path}' has keys that are not names: {short(strange)}. Save only "
            "the state_dict of the model."
        )
    if not arrays:
        raise ValueError(
            f"'{path}' holds no arrays. Save only the state_dict of the model."
        )
    check_sizes(path, sum(np.asarray(a).nbytes for a in arrays.values()), size)
    return arrays
