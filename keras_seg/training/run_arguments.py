"""The arguments that a run was begun with, which it is resumed with."""

import json
import pathlib

from keras_seg.training.replace_file import replace_file
from keras_seg.training.report import portable
from keras_seg.training.run_error import RunError

# These do not change what is trained. Paths may have moved, and are not in the file.
FREE = ("resume", "verbose", "workers", "no_test", "final_scale")
FREE_PATHS = ("output", "data_dir", "images", "masks", "val_images", "val_masks")


def write_arguments(folder, args):
    """Writes the arguments of a run to its folder.

    Args:
        folder: `pathlib.Path`.
        args: Namespace, see `train_arguments`.
    """
    text = json.dumps(_kept(args), indent=2) + "\n"
    with replace_file(folder / "arguments.json") as file:
        file.write_text(text)


def check_arguments(folder, args):
    """Compares arguments with those that a run was begun with.

    Args:
        folder: `pathlib.Path`. A folder without `arguments.json` passes, and an
            argument that is not in the file: older versions wrote neither.
        args: Namespace, see `train_arguments`.

    Raises:
        RunError: If they differ. It names each with both values.
    """
    path = folder / "arguments.json"
    if not path.exists():
        return
    try:
        then, now = dict(json.loads(path.read_text())), _kept(args)
    except (ValueError, TypeError) as error:
        raise RunError(
            f"{path} is damaged: {error}. Delete it to resume the run with the "
            "arguments given."
        ) from error
    changed = [
        f"--{key.replace('_', '-')} {_in_words(then[key])} then, {_in_words(value)} now"
        for key, value in now.items()
        if key in then and then[key] != value and key not in FREE
    ]
    if changed:
        free = ", ".join(f"--{key.replace('_', '-')}" for key in FREE + FREE_PATHS)
        raise RunError(
            f"{folder} holds a run that was begun with other arguments: "
            f"{'; '.join(changed)}. Resume it with those of then, or name another "
            f"--output for a new run. Only these may change: {free}."
        )


def _kept(args):
    kept = portable(vars(args))
    for key in ("backbone_weights", "initial_weights"):
        kept[key] = pathlib.Path(getattr(args, key) or "").name or None
    return json.loads(json.dumps(kept))


def _in_words(value):
    if isinstance(value, list):
        return " ".join(map(str, value)) or "empty"
    return "not given" if value is None else value
