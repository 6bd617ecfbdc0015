"""Files of arrays that NumPy wrote, without pickle."""

import math
import zipfile

import numpy as np

from keras_seg.conversion.archive_limits import check_archive
from keras_seg.presets.explain_errors import explain_errors

PREFIX = "weights/"
MAX_DIMENSIONS = 8


def read_npz(path):
    """Dictionary from names to arrays.

    Args:
        path: Path of an `.npz` file. If names begin with `weights/`, only those are
            taken, without that beginning.

    Raises:
        ValueError: If the file is damaged, holds objects of Python, or an array whose
            header declares another size than the file holds.
    """
    entries = check_archive(path, compressed=True)
    with explain_errors(
        f"'{path}' cannot be read as a file of arrays",
        "Download it again, or save it with numpy.savez.",
    ):
        with zipfile.ZipFile(path) as archive:
            for entry in entries:
                _check_header(archive, entry)
        with np.load(path, allow_pickle=False) as file:
            names = {name: name.removeprefix(PREFIX) for name in file.files}
            if any(name != short for name, short in names.items()):
                names = {k: v for k, v in names.items() if k != v}
            return {short: file[name] for name, short in names.items()}


def _check_header(archive, entry):
    """Raises unless an array is as large as its header says."""
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"'{entry.filename}' has the unknown version {version}")
        shape, _, dtype = read(file)
        header = file.tell()
    if dtype.hasobject or dtype.names is not None or len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"'{entry.filename}' is not an array of numbers")
    if header + math.prod(shape) * dtype.itemsize != entry.file_size:
        raise ValueError(
            f"'{entry.filename}' declares the shape {shape} of {dtype}, but holds "
            f"{entry.file_size:,} bytes"
        )
