"""Single files of a preset of keras-hub, and where they are cached.

keras-hub has `from_preset`, which loads a whole model, and no public way to fetch one
file of a preset, such as the one that names the class of the model. Seen to work with
keras-hub 0.32.0 and kagglehub 1.0.2.
"""

from pathlib import Path

import keras_hub
from keras_hub.src.utils import preset_utils


def fetch_file(preset, name):
    """The local path of a file of a preset, fetched if it is not cached.

    Args:
        preset: String: a local folder, a handle such as `"hf://USER/NAME"`, or a
            built-in name of keras-hub.
        name: String, the path of the file inside the preset.

    Raises:
        FileNotFoundError: If the preset has no such file.
    """
    return Path(preset_utils.get_file(preset, name))


def cached_folder(preset, files):
    """The folder of a built-in backbone of keras-hub, if all files are cached.

    The network is not used. kagglehub, through which keras-hub fetches its presets,
    stores the files in a folder named after the handle, and a marker for each complete
    file. Its public functions download what is missing.

    Args:
        preset: String, the built-in name of a backbone.
        files: List of strings, the names of the files.

    Returns:
        Path, or `None` if a file is missing or incomplete.
    """
    try:
        from kagglehub.config import get_cache_folder
    except ImportError:
        return None
    entry = keras_hub.models.Backbone.presets[preset]
    handle = entry["kaggle_handle"].removeprefix("kaggle://")
    folder = Path(get_cache_folder(), "models", handle)
    markers = folder.parent / ".complete" / folder.name
    complete = all(
        (folder / name).is_file() and (markers / f"{name}.complete").is_file()
        for name in files
    )
    return folder if complete else None
