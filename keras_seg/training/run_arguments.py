"""The arguments that a run was begun with, so that it goes on with the same."""

import json
import pathlib

from report import portable

# They change nothing of what is trained. Paths may have moved, and are not in the file.
FREE = ("resume", "verbose", "workers", "no_test", "final_scale")
FREE_PATHS = ("output", "data_dir", "images", "masks", "val_images", "val_masks")


def write_arguments(folder, args):
    """Keeps the arguments of `train.py` in the folder of a run."""
    text = json.dumps(_kept(args), indent=2) + "\n"
    (folder / "arguments.json").write_text(text)


def check_arguments(folder, args):
    """A run goes on, and counts, only with the arguments that it was begun with.

    Args:
        folder: `pathlib.Path`. One without `arguments.json`, or a name in that file
            that is missing, was written before there was such a thing, and passes.
        args: Namespace, as `train_arguments` makes it.

    Raises:
        SystemExit: If they differ. It names each with both values.
    """
    path = folder / "arguments.json"
    if not path.exists():
        return
    then, now = json.loads(path.read_text()), _kept(args)
    changed = [
        f"--{key.replace('_', '-')} {_in_words(then[key])} then, {_in_words(value)} now"
        for key, value in now.items()
        if key in then and then[key] != value and key not in FREE
    ]
    if changed:
        free = ", ".join(f"--{key.replace('_', '-')}" for key in FREE + FREE_PATHS)
        raise SystemExit(
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
