"""Checkpoints in the format of safetensors, which holds only arrays."""

import struct

from keras_seg.presets.explain_errors import explain_errors

MAX_HEADER_BYTES = 1 << 24


def read_safetensors(path):
    """Dictionary from names to arrays.

    Args:
        path: Path of a `.safetensors` file.

    Raises:
        ImportError: If the library is not installed.
        ValueError: If the file is damaged, or of types that NumPy lacks.
    """
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f"'{path}' needs the library that reads it: pip install safetensors"
        ) from error
    with path.open("rb") as file:
        start = file.read(8)
    header = struct.unpack("<Q", start)[0] if len(start) == 8 else None
    if header is None or header > min(MAX_HEADER_BYTES, path.stat().st_size - 8):
        raise ValueError(
            f"'{path}' cannot be read as safetensors: its header has no possible size. "
            "Download it again."
        )
    with explain_errors(
        f"'{path}' cannot be read as safetensors of NumPy's types",
        "Download it again, or save it in float32.",
    ):
        return safetensors.numpy.load_file(path)
