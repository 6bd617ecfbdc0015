"""Where the files of a published data set lie."""

import os

from keras_seg.data.files.list_images import name_some
from keras_seg.data.files.pair_files import require_pairs


def find_root(title, root, inner, needed):
    """The folder that holds what a data set consists of.

    Args:
        title: String, the name of the data set.
        root: Folder that the user gave.
        inner: Folders below `root` that are tried after it: archives unpack to them.
        needed: Paths that must be there.

    Returns:
        A string.

    Raises:
        ValueError: If no folder has them all. The message says what is missing where.

    Example:

    ```python
    from keras_seg.data.files.find_root import find_root

    try:
        find_root("ADE20K", "nowhere", ["ADEChallengeData2016"], ["images"])
    except ValueError as error:
        print(error)
    ```
    """
    root = os.fspath(root)
    bases = [root, *(os.path.join(root, name) for name in inner)]
    missing = {
        base: [part for part in needed if not os.path.exists(os.path.join(base, part))]
        for base in bases
    }
    for base in bases:
        if not missing[base]:
            return base
    # Where something is there already, more was expected than elsewhere.
    best = min(bases, key=lambda base: len(missing[base]))
    looked = f" (looked there and in {', '.join(bases[1:])})" if inner else ""
    raise ValueError(
        f"{title} is not at root={root!r}{looked}. In '{best}' there is no "
        f"{' and no '.join(missing[best])}; expected {', '.join(needed)}."
    )


def split_parts(split, allowed):
    """The parts of a split such as `"train+val"`.

    Args:
        split: String, its parts joined by `+`, or a list of them.
        allowed: The names that parts may have.

    Returns:
        A list of strings.

    Raises:
        ValueError: If a part is not allowed.
    """
    parts = split.split("+") if isinstance(split, str) else list(split)
    if not parts or any(part not in allowed for part in parts):
        names = ", ".join(repr(name) for name in allowed)
        raise ValueError(
            f"`split` must be made of {names}, as in '{'+'.join(list(allowed)[:2])}'. "
            f"Received: split={split!r}."
        )
    return parts


def paired_in_folders(title, root, inner, folders):
    """The images and masks of a data set that keeps them in folders side by side.

    Args:
        title, root, inner: See `find_root`.
        folders: List of `(image_folder, mask_folder)`, one for each part of the split.

    Returns:
        `(images, masks)`, two lists of paths.
    """
    images, masks = [], []
    for needed in folders:
        base = find_root(title, root, inner, needed)
        pairs = require_pairs(*(os.path.join(base, name) for name in needed))
        images += [image for image, _ in pairs]
        masks += [mask for _, mask in pairs]
    return images, masks


def require_files(title, paths):
    """Raises if some of many files are not there.

    Args:
        title: String, the name of the data set.
        paths: List of paths.
    """
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise ValueError(
            f"{title}: {len(missing)} of {len(paths)} files are missing from "
            f"'{os.path.dirname(missing[0])}': {name_some(missing)}. Unpack the "
            "archives again, or correct the list of the split."
        )


def read_list(path):
    """The names in a text file, one a line."""
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]
