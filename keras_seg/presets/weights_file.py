"""Checks a weights file before Keras reads it: structure, sizes, links, values."""

import math

import h5py
import numpy as np

from keras_seg.presets.regular_file import check_regular

# Far more than any model here needs.
MAX_BYTES = 1 << 32
MAX_DEPTH = 64
MAX_ITEMS = 200_000
STORED_WHOLE = (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS)


def check_weights(path):
    """Raises unless `path` is an HDF5 file that holds all the numbers it declares.

    Keras stores every array whole and uncompressed. So links, external, virtual,
    chunked and compressed arrays, which can declare much more than the file holds,
    are refused.

    Args:
        path: Path of a `.weights.h5` file.

    Returns:
        Integer. How many numbers the file holds.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is damaged, holds anything else, or more than 4 GiB.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"'{path}' is missing from the preset. Save or copy the preset again, or "
            "pass load_weights=False."
        )
    check_regular(path, MAX_BYTES)
    try:
        with h5py.File(path, "r") as file:
            arrays = _arrays(path, file)
            for name, array in arrays.items():
                if array.dtype.kind == "f" and not np.isfinite(array[()]).all():
                    raise _refused(path, f"has a weight that is not finite in '{name}'")
            return sum(array.size for array in arrays.values())
    except ValueError:
        raise
    except Exception as error:  # h5py raises many types on damaged files
        raise ValueError(
            f"'{path}' cannot be read as HDF5 ({error}). It is cut short or damaged: "
            "save or copy the preset again."
        ) from error


def _arrays(path, file):
    """Dictionary from full names to arrays, all of them checked but not read."""
    arrays, groups, declared, items = {}, [(file, 0)], 0, 0
    while groups:
        group, depth = groups.pop()
        if depth > MAX_DEPTH:
            raise _refused(path, f"has groups more than {MAX_DEPTH} levels deep")
        for name in group:
            items += 1
            if items > MAX_ITEMS:
                raise _refused(path, f"has more than {MAX_ITEMS:,} entries")
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _refused(path, f"has a link ({type(link).__name__}) in '{name}'")
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append((item, depth + 1))
                continue
            if not isinstance(item, h5py.Dataset):
                raise _refused(path, f"has no array of numbers in '{name}'")
            size = math.prod(item.shape or ()) * item.dtype.itemsize
            declared += size
            if declared > MAX_BYTES:
                raise _refused(
                    path,
                    f"declares {declared:,} bytes of weights, expected at most "
                    f"{MAX_BYTES:,}",
                )
            _check_array(path, item, size)
            arrays[item.name] = item
    return arrays


def _check_array(path, array, size):
    if array.shape is None or not _is_numeric(array.dtype):
        raise _refused(path, f"has no numbers in '{array.name}'")
    if array.external or array.is_virtual:
        raise _refused(path, f"keeps the array '{array.name}' in another file")
    if array.id.get_create_plist().get_layout() not in STORED_WHOLE:
        raise _refused(path, f"has the array '{array.name}' in chunks or compressed")
    stored = array.id.get_storage_size()
    if stored != size:
        raise _refused(
            path,
            f"declares {size:,} bytes in '{array.name}' and holds {stored:,} of them",
        )


def _is_numeric(dtype):
    # Keras stores bfloat16 and float8, which HDF5 lacks, as raw bytes.
    raw = dtype.kind == "V" and dtype.names is None and dtype.itemsize <= 2
    return dtype.kind in "biuf" or raw


def _refused(path, reason):
    return ValueError(
        f"'{path}' {reason}. It is damaged or not a weights file that Keras wrote: "
        "save or copy the preset again."
    )
