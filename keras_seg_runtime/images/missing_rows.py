"""Find PNG and TIFF files that hold fewer rows than they declare."""

import struct
import zlib

import numpy as np

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
# Start and step, across and down, of the seven passes of interlaced files.
PASSES = (
    (0, 8, 0, 8),
    (4, 8, 0, 8),
    (0, 4, 4, 8),
    (2, 4, 0, 4),
    (0, 2, 2, 4),
    (1, 2, 0, 2),
    (0, 1, 1, 2),
)
CHUNK = 1 << 20


def png_header(file):
    """Reads the header of a PNG file.

    Args:
        file: Binary file, seekable.

    Returns:
        A tuple `(width, height, bit depth, colour type, interlaced)`.
    """
    file.seek(16)
    width, height, depth, colour, _, _, interlaced = struct.unpack(
        ">IIBBBBB", file.read(13)
    )
    return width, height, depth, colour, interlaced


def require_all_rows(file, image):
    """Raises if a PNG file ends before its last row.

    Decoders fill what is missing with zeros, which are black in photos and class 0
    in masks.

    Args:
        file: Binary file, seekable.
        image: `PIL.Image.Image`, decoded from `file`.

    Raises:
        OSError: If rows are missing.
    """
    width, height, depth, colour, interlaced = png_header(file)
    if not interlaced and np.asarray(image.crop((0, height - 1, width, height))).any():
        return  # missing rows are zero: the last one is there, and so are the others
    bits = depth * CHANNELS[colour]
    if interlaced:
        needed = 0
        for left, right, top, down in PASSES:
            columns = len(range(left, width, right))
            rows = len(range(top, height, down))
            needed += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    else:
        needed = height * (1 + (width * bits + 7) // 8)
    found = _count_bytes(file, needed)
    if found < needed:
        raise OSError(f"only {found / needed:.0%} of the pixels are in the file")


def require_all_strips(image):
    """Raises if a TIFF file lists fewer strips or tiles than its size needs.

    Args:
        image: `PIL.Image.Image` of a TIFF file, not yet decoded.

    Raises:
        OSError: If strips are missing.
    """
    width, height = image.tag_v2[256], image.tag_v2[257]
    right = max(tile[1][2] for tile in image.tile)
    bottom = max(tile[1][3] for tile in image.tile)
    if right < width or bottom < height:
        raise OSError(f"only {right} x {bottom} of {width} x {height} pixels are there")


def _count_bytes(file, needed):
    """How many bytes of pixels the IDAT chunks hold, counted up to `needed`."""
    inflate, found = zlib.decompressobj(), 0
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            break
        if kind != b"IDAT":
            file.seek(length + 4, 1)
            continue
        while length > 0 and (data := file.read(min(length, CHUNK))):
            length -= len(data)
            while data:
                try:
                    found += len(inflate.decompress(data, CHUNK))
                except zlib.error:
                    return found
                if found >= needed or inflate.eof:
                    return found
                data = inflate.unconsumed_tail
        file.seek(4, 1)
    return found + len(inflate.flush()) if not inflate.eof else found
