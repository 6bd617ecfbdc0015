"""Limits on what a checkpoint becomes in memory, checked before it is read."""

import zipfile

from keras_seg.presets.explain_errors import explain_errors, short

# More than any published model here needs.
MAX_BYTES = 1 << 33
MAX_ARRAYS = 100_000
# Trained weights hardly shrink when compressed. Tied weights are stored once.
MAX_GROWTH = 8
SPARE_BYTES = 1 << 24


def is_archive(path):
    """Whether a file is a zip file, or begins as one."""
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04" or zipfile.is_zipfile(path)


def check_sizes(path, size, file_size):
    """Raises if arrays need far more memory than the file that holds them.

    Args:
        path: Path, for the message.
        size: Integer. Bytes of all arrays together.
        file_size: Integer. Bytes of the file.

    Raises:
        ValueError: If it is more than 8 GiB, or more than eight times the file.
    """
    most = min(MAX_BYTES, MAX_GROWTH * file_size + SPARE_BYTES)
    if size > most:
        raise ValueError(
            f"'{path}' has {file_size:,} bytes and would become {size:,} bytes of "
            f"arrays, expected at most {most:,}. It is damaged or made to exhaust the "
            "memory. Download it again from a source that you trust."
        )


def check_archive(path, compressed):
    """The entries of a zip file, once their sizes are known to be sane.

    Args:
        path: Path of the file.
        compressed: Boolean. Whether entries may be compressed.

    Returns:
        List of `zipfile.ZipInfo`.

    Raises:
        ValueError: If the file is damaged, or would become far larger.
    """
    with explain_errors(f"'{path}' is a damaged zip file", "Download it again."):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    if len(entries) > MAX_ARRAYS:
        raise ValueError(
            f"'{path}' has {len(entries):,} entries, expected at most {MAX_ARRAYS:,}. "
            "It is not a checkpoint of a model of keras_seg."
        )
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise ValueError(f"'{path}' has two entries of the same name. Save it again.")
    packed = [
        entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED
    ]
    if packed and not compressed:
        raise ValueError(
            f"'{path}' has compressed entries ({short(packed)}), which torch.save "
            "never writes. Save the state_dict with torch.save."
        )
    check_sizes(path, sum(entry.file_size for entry in entries), path.stat().st_size)
    return entries
