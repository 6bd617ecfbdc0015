"""A seeded split of a source into training and validation."""

import collections
import json

import numpy as np

from keras_seg.data.sources.derived_sources import IndexedSource
from keras_seg.training.replace_file import replace_file
from keras_seg.training.run_error import RunError

SPLIT = "split.json"
FEWEST_IMAGES = 5


def split_source(source, share, seed, folder):
    """Splits a source into training and validation, and lists both in a file.

    A run that is resumed gets the split of its file, also where images were added
    since.

    Args:
        source: Source, with `names` if it has some; they must differ.
        share: Float, the share of the images for validation.
        seed: Integer.
        folder: `pathlib.Path` of the run, for `split.json`.

    Returns:
        The pair of sources, the second `None` where there are fewer than 5 images.

    Raises:
        RunError: If images of the file are gone, or two images have the same name.

    Example:

    ```python
    import pathlib
    import tempfile

    from keras_seg.training.split_source import split_source

    class Pairs(list):
        names = list("abcdefghij")

    with tempfile.TemporaryDirectory() as folder:
        source = Pairs(range(10))
        train, val = split_source(source, 0.2, 0, pathlib.Path(folder))
    print(len(train), len(val))  # 8 2
    ```
    """
    path = folder / SPLIT
    if path.exists():
        return _stored_split(source, path)
    if len(source) < FEWEST_IMAGES:
        print(
            f"No validation: {len(source)} images are too few to keep some of them. "
            "Give --val-images and --val-masks to measure the model."
        )
        return source, None
    source_names = _distinct_names(source)
    number = max(1, round(share * len(source)))
    order = np.random.default_rng((seed, 2)).permutation(len(source))
    parts = {"train": np.sort(order[number:]), "val": np.sort(order[:number])}
    names = {
        part: [source_names[i] for i in indices] for part, indices in parts.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as file:
        file.write_text(json.dumps({"seed": seed, **names}, indent=1) + "\n")
    print(
        f"Split: {len(names['train'])} images for training, {len(names['val'])} for "
        f"validation, drawn with seed {seed} and listed in {path}"
    )
    return tuple(IndexedSource(source, indices) for indices in parts.values())


def _distinct_names(source):
    """The names of the images, by which a run that is resumed finds them again."""
    names = getattr(source, "names", None)
    names = [f"{i:06d}" for i in range(len(source))] if names is None else list(names)
    repeated = [name for name, count in collections.Counter(names).items() if count > 1]
    if repeated:
        raise RunError(
            f"{len(repeated)} names stand for several images each, such as "
            f"{repeated[0]}: a resumed run could not tell which of them are for "
            "validation. Give the images distinct names, or give data for validation."
        )
    return names


def _stored_split(source, path):
    try:
        stored = json.loads(path.read_text())
        names = {part: list(stored[part]) for part in ("train", "val")}
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{path} is damaged: {error!r}. Restore it from a copy, or begin a new run "
            "in another folder."
        ) from error
    places = {name: i for i, name in enumerate(_distinct_names(source))}
    gone = [name for part in names.values() for name in part if name not in places]
    if gone:
        raise RunError(
            f"{len(gone)} images of {path} are gone: {', '.join(gone[:5])}. Put them "
            "back, or begin a new run in another folder."
        )
    return tuple(
        IndexedSource(source, np.array([places[name] for name in names[part]]))
        for part in ("train", "val")
    )
