"""Checkpoints of torch, read by torch itself, and only arrays.

This is one of the few files that speak to a backend: nothing else reads the format.
"""

import pickle

# Under which training code puts the arrays, beside its own state.
WRAPPERS = ("state_dict", "model_state_dict", "model")


def read_torch(path):
    """Dictionary from names to arrays.

    Args:
        path: Path of a file that `torch.save` wrote.

    Raises:
        ImportError: If torch is not installed.
        ValueError: If the file holds anything but arrays and plain values, or no
            arrays by name.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"'{path}' is a checkpoint of torch, which is not installed. Install it, "
            "or save the arrays as .safetensors or .npz where it is."
        ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f"'{path}' holds more than arrays, or is damaged. What else it holds could "
            "run code, so it was not opened. If you trust it, load it with torch "
            "yourself and save its state_dict alone, best as .safetensors. Torch says: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    if not isinstance(content, dict):
        raise ValueError(
            f"'{path}' holds no dictionary of arrays. Received: "
            f"{type(content).__name__}."
        )
    strange = [k for k, v in content.items() if not isinstance(v, torch.Tensor)]
    if strange or not content:
        raise ValueError(
            f"'{path}' has entries that are no arrays: {strange[:5]}. Save the "
            "state_dict of the model alone."
        )
    return {name: _array(torch, tensor) for name, tensor in content.items()}


def _array(torch, tensor):
    if tensor.dtype == torch.bfloat16:  # NumPy has none
        tensor = tensor.float()
    return tensor.detach().numpy()
