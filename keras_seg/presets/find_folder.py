"""The folders that are searched for saved presets, before those that are shipped."""

import os
import re
from pathlib import Path

from keras_seg.presets import preset_files
from keras_seg.presets.registry import PRESETS

ENVIRONMENT = "KERAS_SEG_PRESETS"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def search_folders(presets_dir=None):
    """The folders that hold presets as `MODEL/NAME`, such as `ecenet/my_streets`.

    Args:
        presets_dir: String or path. A folder to search first, or `None`.

    Returns:
        List of paths: the one given, those in the environment variable
        `KERAS_SEG_PRESETS`, and the user's cache, `keras_seg` below `XDG_CACHE_HOME`
        or `~/.cache`.

    Example:

    ```python
    from keras_seg.presets.find_folder import search_folders

    print(search_folders("my_presets")[0])
    ```
    """
    given = [] if presets_dir is None else [os.fspath(presets_dir)]
    given += os.environ.get(ENVIRONMENT, "").split(os.pathsep)
    return [*(Path(p).expanduser().absolute() for p in given if p), cache_folder()]


def cache_folder():
    """The folder in the user's cache to which presets are converted by default."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~", ".cache").expanduser()
    return Path(home, "keras_seg").absolute()


def full_name(model_class, preset):
    """The name with the model in front, or `None` if it is not a name of a preset."""
    parts = os.fspath(preset).split("/")
    if len(parts) == 1:
        known = (c.__name__ for c in model_class.__mro__ if c.__name__ in PRESETS)
        parts.insert(0, next(known, "").lower())
    known = {name.lower() for name in PRESETS}
    good = len(parts) == 2 and parts[0] in known and NAME.fullmatch(parts[1])
    return "/".join(parts) if good else None


def find_folder(model_class, preset, presets_dir=None):
    """The folder of a preset of this name, or `None`.

    Args:
        model_class: A subclass of `keras_seg.models.Segmenter`.
        preset: String. A name such as `"ecenet/camvid"`, or `"camvid"` of a class
            with presets of its own.
        presets_dir: See `search_folders`.
    """
    name = full_name(model_class, preset)
    if name is not None:
        for folder in search_folders(presets_dir):
            if (folder / name / preset_files.TASK).is_file():
                return folder / name
    return None
