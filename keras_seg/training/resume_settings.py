"""A run is resumed with the settings that it was started with."""

import json
import pathlib

from keras_seg.training.config_file import CONFIG, read_config
from keras_seg.training.report import portable
from keras_seg.training.run_error import RunError
from keras_seg.training.settings import CHOSEN, FREE, FREE_PATHS, flag, resolve_settings


def resume_settings(folder, given):
    """The settings to resume a run with.

    Args:
        folder: `pathlib.Path` of the run.
        given: Dictionary of the settings that are given now: either those of the start,
            or none but those that may change.

    Returns:
        Dictionary of settings.

    Raises:
        RunError: If they differ from those that the run was started with. It names each
            with both values.

    Example:

    ```python
    import pathlib
    import tempfile

    from keras_seg.training.resume_settings import resume_settings

    with tempfile.TemporaryDirectory() as folder:
        print(resume_settings(pathlib.Path(folder), {"epochs": 3}))  # {'epochs': 3}
    ```
    """
    path = folder / CONFIG
    if not path.exists():  # the run of an earlier version
        return given
    stored = read_config(path)
    may_change = {name: given[name] for name in (*FREE, *FREE_PATHS) if name in given}
    others = {name for name, value in given.items() if value is not None}
    others -= {*may_change, "data"}
    new = [
        n for n in FREE_PATHS if n != "output" and given.get(n) and not stored.get(n)
    ]
    if new:
        raise RunError(
            f"{folder} holds a run that was started without "
            f"{' and '.join(map(flag, new))}. A folder may have moved, but with other "
            "images it is another run: leave it out, or name another --output."
        )
    if others:
        _compare(folder, stored, given)
    return {**stored, **may_change}


def comparable(args):
    """Settings as they are compared: without paths, which may have moved."""
    kept = portable(vars(args))
    for name in ("backbone_weights", "initial_weights"):
        kept[name] = pathlib.Path(getattr(args, name) or "").name or None
    return json.loads(json.dumps(kept))


def _compare(folder, stored, given):
    then = comparable(resolve_settings(stored))
    try:
        now = comparable(resolve_settings(given))
    except RunError:  # not all that a run needs: what is left out stays as it was
        given = {name: value for name, value in given.items() if value is not None}
        now = comparable(resolve_settings({**stored, **given}))
    changed = [
        f"{flag(name)} {_in_words(then.get(name))} then, {_in_words(value)} now"
        for name, value in now.items()
        if then.get(name) != value
        and name not in FREE
        and not (name in CHOSEN and value is None)
    ]
    if changed:
        free = ", ".join(map(flag, FREE + FREE_PATHS))
        raise RunError(
            f"{folder} holds a run that was started with other settings: "
            f"{'; '.join(changed)}. Resume it with those of then, or with --output and "
            "--resume alone, or name another --output for a new run. Only these may "
            f"change: {free}."
        )


def _in_words(value):
    if isinstance(value, list):
        return " ".join(map(str, value)) or "empty"
    return "not given" if value is None else value
