"""Checkpoints of torch, read by torch itself, and only arrays.

This is one of the few files that import a backend: no other library reads the format.
"""

from keras_seg.conversion.archive_limits import check_archive, check_sizes, is_archive
from keras_seg.presets.explain_errors import explain_errors, short

# Under which training code puts the arrays, beside its own state.
WRAPPERS = ("state_dict", "model_state_dict", "model")


def read_torch(path):
    """Dictionary from names to arrays.

    The shapes of all arrays are read first, without their numbers, and compared with
    the size of the file.

    Args:
        path: Path of a file that `torch.save` wrote.

    Raises:
        ImportError: If torch is not installed.
        ValueError: If the file holds anything but arrays and plain values, no arrays
            by name, or declares more than it holds.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"'{path}' is a checkpoint of torch, which is not installed. Install it, "
            "or save the arrays as .safetensors or .npz where it is."
        ) from error
    if is_archive(path):
        check_archive(path, compressed=False)
    outline = _tensors(torch, path, _load(torch, path, "meta"))
    size = sum(tensor.numel() * tensor.element_size() for tensor in outline.values())
    check_sizes(path, size, path.stat().st_size)
    storages = {id(s): s.nbytes() for s in map(_storage, outline.values())}
    if sum(storages.values()) > path.stat().st_size:
        raise ValueError(
            f"'{path}' declares more numbers than it holds. Download or save it again."
        )
    tensors = _tensors(torch, path, _load(torch, path, "cpu"))
    with explain_errors(
        f"'{path}' has an array of a type that NumPy lacks, or without numbers",
        "Save the arrays in float32.",
    ):
        return {name: _array(torch, tensor) for name, tensor in tensors.items()}


def _load(torch, path, place):
    with explain_errors(
        f"'{path}' holds more than arrays, or is damaged",
        "Other objects in it could run code, so it was not opened. If you trust it, "
        "load it with torch and save only its state_dict, preferably as "
        ".safetensors.",
    ):
        return torch.load(path, map_location=place, weights_only=True)


def _tensors(torch, path, content):
    """Dictionary from names to tensors that are plain arrays."""
    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    if not isinstance(content, dict):
        raise ValueError(
            f"'{path}' holds no dictionary of arrays. Received: "
            f"{type(content).__name__}. Save the state_dict of the model."
        )
    strange = [
        name
        for name, value in content.items()
        if not isinstance(value, torch.Tensor)
        or not isinstance(name, str)
        or value.layout is not torch.strided
        or value.is_quantized
    ]
    if strange or not content:
        raise ValueError(
            f"'{path}' has entries that are not arrays: {short(strange[:5])}. Save "
            "only the state_dict of the model."
        )
    return content


def _storage(tensor):
    return tensor.untyped_storage()


def _array(torch, tensor):
    if tensor.dtype == torch.bfloat16:  # NumPy has none
        tensor = tensor.float()
    return tensor.detach().resolve_conj().resolve_neg().numpy()
