"""Image files that Pillow does not write: of few bits, incomplete, interlaced."""

import struct
import zlib

import numpy as np

PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)]
PASSES += [(0, 1, 2, 2), (1, 0, 2, 1)]  # first row and column, steps down and across


def png(path, pixels, bits=8, colour_type=0, rows=None, interlaced=False, share=1.0):
    """Writes the first `rows` rows, or a share of the bytes of pixels."""
    height, width = pixels.shape[:2]
    parts = [pixels]
    if interlaced:
        parts = [pixels[top::down, left::right] for top, left, down, right in PASSES]
    lines = [line for part in parts if part.size for line in part]
    content = b"".join(_line(line, bits) for line in lines[:rows])
    content = content[: int(len(content) * share)]
    header = struct.pack(
        ">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced)
    )
    palette = _chunk(b"PLTE", bytes(range(12))) if colour_type == 3 else b""
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + palette
        + _chunk(b"IDAT", zlib.compress(content))
        + _chunk(b"IEND", b"")
    )
    return path


def tiff(path, pixels, photometric=2, extra=None, bits=None, rows=None):
    """Writes one strip without compression; `extra` are kinds of further bands.

    With `rows` the strip has that many, and there is no other.
    """
    height, width, bands = pixels.shape
    content = pixels[:rows].tobytes()
    depth = bits or pixels.itemsize * 8
    if bits:
        content = b"".join(_line(line, bits)[1:] for line in pixels)
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [depth] * bands),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (273, 4, [8]),
        (277, 3, [bands]),
        (278, 4, [rows or height]),
        (279, 4, [len(content)]),
        (284, 3, [1]),
        *([] if extra is None else [(338, 3, extra)]),
        (339, 3, [kind] * bands),
    ]
    place = 8 + len(content)
    end = place + 2 + 12 * len(tags) + 4
    table, tail = struct.pack("<H", len(tags)), b""
    for tag, size, values in tags:
        data = b"".join(struct.pack("<H" if size == 3 else "<I", v) for v in values)
        table += struct.pack("<HHI", tag, size, len(values))
        if len(data) > 4:
            table += struct.pack("<I", end + len(tail))
            tail += data
        else:
            table += data.ljust(4, b"\0")
    start = b"II*\0" + struct.pack("<I", place)
    path.write_bytes(start + content + table + bytes(4) + tail)
    return path


def _line(line, bits):
    values = np.ascontiguousarray(line).reshape(-1)
    if bits == 16:
        return b"\0" + values.astype(">u2").tobytes()
    single = values[:, None] >> np.arange(bits - 1, -1, -1) & 1
    return b"\0" + np.packbits(single.astype("uint8")).tobytes()


def _chunk(kind, data):
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )
