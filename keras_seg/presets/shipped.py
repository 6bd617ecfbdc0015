"""The shipped presets that each model class can load, and their folders."""

from pathlib import Path

from keras_seg.presets.registry import PRESETS

PACKAGE = Path(__file__).parents[1]


def shipped_presets(model_class=None):
    """The shipped presets that a model class can load.

    Args:
        model_class: A subclass of `keras_seg.models.Segmenter`. A class without
            presets of its own, such as `Segmenter`, or `None` can load those of all
            classes.

    Returns:
        Dictionary from names to entries of the registry: short names such as
        `"camvid"` for a class with presets of its own, else full ones such as
        `"ecenet/camvid"`.

    Example:

    ```python
    from keras_seg.presets.shipped import shipped_presets

    print(sorted(shipped_presets()))
    ```
    """
    for base in getattr(model_class, "__mro__", ()):
        if base.__name__ in PRESETS:
            return dict(PRESETS[base.__name__])
    return {
        f"{class_name.lower()}/{name}": entry
        for class_name, entries in PRESETS.items()
        for name, entry in entries.items()
    }


def find_shipped(model_class, name):
    """The registry entry of a shipped preset by its short or full name, or `None`."""
    return {**shipped_presets(), **shipped_presets(model_class)}.get(name)


def shipped_folder(entry):
    """The folder with the files of a registry entry.

    Raises:
        FileNotFoundError: If this installation has no such folder.
    """
    places = [
        PACKAGE / "presets" / "weights" / entry["folder"],  # an installed wheel
        PACKAGE.parent / "weights" / entry["folder"],  # a checkout of the source
    ]
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"The files of a shipped preset are missing. Looked in: "
        f"{', '.join(map(str, places))}. Install keras-seg again, or restore "
        f"weights/{entry['folder']} in the checkout."
    )
