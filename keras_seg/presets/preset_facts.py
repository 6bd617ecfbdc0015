"""What is known about a preset without making its model."""

import os
from pathlib import Path

from keras_seg.presets import preset_files
from keras_seg.presets.find_folder import NAME, find_folder, search_folders
from keras_seg.presets.registry import PRESETS
from keras_seg.presets.shipped import find_shipped, shipped_folder, shipped_presets


def preset_facts(preset):
    """Facts about a shipped preset or one that is saved in a folder.

    Args:
        preset: String. A full name such as `"ecenet/camvid"`, or a folder.

    Returns:
        Dictionary of `name`, `class`, `description`, `num_classes`, `class_names`,
        `parameters`, `bytes`, `licence`, `long_side` and `folder`. A value that the
        preset does not have is `None`.

    Raises:
        ValueError: If the preset is unknown or damaged.
        OSError: If its files are missing.

    Example:

    ```python
    from keras_seg.presets.preset_facts import preset_facts

    print(preset_facts("ecenet/camvid")["licence"])
    ```
    """
    folder, entry = find_folder(object, preset), None
    if folder is None:
        entry = find_shipped(None, preset)
        folder = shipped_folder(entry) if entry else Path(preset).absolute()
    if not (folder / preset_files.TASK).is_file():
        known = ", ".join(name for name in installed_presets())
        raise ValueError(
            f"There is no preset '{preset}'. Known: {known}; a folder with a saved "
            "preset works as well."
        )
    task = preset_files.read_json(folder / preset_files.TASK)
    config = task.get("config")
    if not isinstance(config, dict):
        raise ValueError(
            f"'{folder / preset_files.TASK}' has no config. Save or copy the preset "
            "again."
        )
    metadata = {}
    if (folder / preset_files.METADATA).is_file():
        metadata = preset_files.read_json(folder / preset_files.METADATA)
    entry = entry or {}
    files = [folder / name for name in preset_files.FILES]
    return {
        "name": os.fspath(preset),
        "class": task.get("class_name"),
        "description": entry.get("description"),
        "num_classes": config.get("num_classes"),
        "class_names": config.get("class_names"),
        "parameters": entry.get("params", metadata.get("parameter_count")),
        "bytes": sum(path.stat().st_size for path in files if path.is_file()),
        "licence": entry.get("licence"),
        "long_side": config.get("long_side"),
        "folder": str(folder),
    }


def installed_presets():
    """The presets that can be loaded by name without a download.

    Returns:
        List of full names: those in the folders that `from_preset` searches, and the
        shipped ones.
    """
    names = []
    for folder in search_folders():
        for model in sorted({name.lower() for name in PRESETS}):
            names += [
                f"{model}/{path.parent.name}"
                for path in sorted(folder.glob(f"{model}/*/{preset_files.TASK}"))
                if NAME.fullmatch(path.parent.name)
            ]
    return list(dict.fromkeys([*names, *shipped_presets()]))
