"""Checkpoints of MindSpore: protocol buffers of a small, fixed layout.

    Checkpoint: 1 = Value, repeated
    Value:      1 = name, 2 = Tensor
    Tensor:     1 = sizes, repeated; 2 = name of the type; 3 = bytes

A file with any other field is invalid. A large array is split into several values of
the same name, one after the other.
"""

import math

import numpy as np

from keras_seg.conversion.archive_limits import MAX_ARRAYS
from keras_seg.presets.explain_errors import explain_errors

TYPES = {
    "Bool": "?",
    "Float16": "<f2",
    "Float32": "<f4",
    "Float64": "<f8",
    "Int8": "i1",
    "Int16": "<i2",
    "Int32": "<i4",
    "Int64": "<i8",
    "UInt8": "u1",
}
CHECKSUM = b"crc_num"  # and ten bytes stand at the end of some files
VARINT, BYTES = 0, 2
MAX_DIMENSIONS = 8


def read_mindspore(path):
    """Dictionary from names to arrays.

    Args:
        path: Path of a `.ckpt` file.

    Raises:
        ValueError: If it is not what MindSpore writes.
    """
    if not path.stat().st_size:
        raise ValueError(
            f"'{path}' is not a checkpoint of MindSpore: it is empty. "
            "Download it again."
        )
    data = memoryview(np.memmap(path, mode="r"))
    end = len(data) - len(CHECKSUM) - 10
    if end >= 0 and bytes(data[end : end + len(CHECKSUM)]) == CHECKSUM:
        data = data[:end]
    with explain_errors(
        f"'{path}' is not a checkpoint of MindSpore, or it is encrypted or cut short",
        "Download it again.",
    ):
        return _arrays(data)


def _arrays(data):
    parts = {}
    for number, value in _fields(data):
        _expect(number, {1}, "the checkpoint")
        name = tensor = None
        for number, field in _fields(value):
            _expect(number, {1, 2}, "an entry")
            if number == 1:
                name = str(field, "utf-8")
            else:
                tensor = field
        if not name or tensor is None:
            raise ValueError("an entry has no name or no array")
        sizes, kind, content = _tensor(tensor)
        if len(parts) > MAX_ARRAYS:
            raise ValueError(f"it has more than {MAX_ARRAYS:,} arrays")
        if name not in parts:
            parts[name] = (sizes, kind, [])
        elif parts[name][:2] != (sizes, kind):
            raise ValueError(f"the parts of '{name}' have different shapes or types")
        parts[name][2].append(content)
    return {name: _array(name, *part) for name, part in parts.items()}


def _tensor(data):
    sizes, kind, content = [], None, memoryview(b"")
    for number, field in _fields(data, packed={1}):
        _expect(number, {1, 2, 3}, "an array")
        if number == 1:
            sizes += field
            if len(sizes) > MAX_DIMENSIONS:
                raise ValueError(f"an array has more than {MAX_DIMENSIONS} dimensions")
        elif number == 2:
            kind = str(field, "utf-8")
        else:
            content = field
    return tuple(sizes), kind, content


def _array(name, sizes, kind, contents):
    if kind not in TYPES:
        raise ValueError(f"'{name}' is of the unknown type {kind!r}")
    dtype = np.dtype(TYPES[kind])
    content = contents[0] if len(contents) == 1 else b"".join(contents)
    if sizes == (0,) and len(content) == dtype.itemsize:  # a single number
        sizes = ()
    if math.prod(sizes) * dtype.itemsize != len(content):
        raise ValueError(
            f"'{name}' has {len(content)} bytes, which do not fit the shape {sizes} of "
            f"{kind}"
        )
    return np.frombuffer(content, dtype).reshape(sizes)


def _fields(data, packed=()):
    """Yields the number of each field and its bytes, or the list of its integers."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT and number in packed:
            value, at = _varint(data, at)
            yield number, [value]
            continue
        if wire != BYTES:
            raise ValueError(f"byte {at} begins a field of an unexpected kind")
        size, at = _varint(data, at)
        if at + size > len(data):
            raise ValueError(f"the field at byte {at} is longer than what is left")
        field = data[at : at + size]
        at += size
        if number in packed:
            integers, start = [], 0
            while start < len(field) and len(integers) <= MAX_DIMENSIONS:
                integer, start = _varint(field, start)
                integers.append(integer)
            yield number, integers
        else:
            yield number, field


def _varint(data, at):
    value = 0
    for shift in range(0, 63, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError(f"byte {at} is within a number that is too long")


def _expect(number, allowed, place):
    if number not in allowed:
        raise ValueError(f"{place} has an unknown field {number}")
