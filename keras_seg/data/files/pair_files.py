"""Pair image files with mask files."""

import os

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def pair_files(images, masks):
    """Pair images and masks by the stem of the file name, or in the given order.

    Args:
        images: a folder, or a list of paths.
        masks: a folder, or a list of paths. Two lists are paired in order.

    Returns:
        A tuple of a list of `(image path, mask path)`, sorted by name for
        folders, and a list of the problems met as `(kind, found, fix)`: images
        without mask, masks without image, two files of one stem.
    """
    is_list = [isinstance(x, (list, tuple)) for x in (images, masks)]
    if all(is_list):
        problems = []
        if len(images) != len(masks):
            problems.append(
                (
                    "numbers differ",
                    f"There are {len(images)} images and {len(masks)} masks, but "
                    "lists are paired in order.",
                    "Pass as many masks as images.",
                )
            )
        pairs = [
            (os.fspath(i), os.fspath(m)) for i, m in zip(images, masks, strict=False)
        ]
        return pairs, problems
    if any(is_list):
        raise ValueError(
            "`images` and `masks` must be two folders or two lists of paths. "
            f"Received: images of type {type(images).__name__}, masks of type "
            f"{type(masks).__name__}."
        )
    problems = []
    image_of = _files_by_stem(images, problems)
    mask_of = _files_by_stem(masks, problems)
    alone = [image_of[stem] for stem in image_of if stem not in mask_of]
    if alone:
        problems.append(
            (
                "images without mask",
                f"{len(alone)} images have no mask of the same name in "
                f"'{os.fspath(masks)}': {name_some(alone)}.",
                "Add the masks, move these images away, or pass two lists of paths "
                "in matching order.",
            )
        )
    alone = [mask_of[stem] for stem in mask_of if stem not in image_of]
    if alone:
        problems.append(
            (
                "masks without image",
                f"{len(alone)} masks have no image of the same name in "
                f"'{os.fspath(images)}': {name_some(alone)}.",
                "Add the images, move these masks away, or pass two lists of paths "
                "in matching order.",
            )
        )
    both = sorted(stem for stem in image_of if stem in mask_of)
    return [(image_of[stem], mask_of[stem]) for stem in both], problems


def name_some(paths, limit=5):
    """A few file names of a list, for messages.

    Args:
        paths: list of paths.
        limit: integer. How many names to give.

    Returns:
        A string.
    """
    text = ", ".join(os.path.basename(path) for path in paths[:limit])
    if len(paths) > limit:
        text += f" and {len(paths) - limit} more"
    return text


def _files_by_stem(folder, problems):
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise ValueError(f"No such folder: '{folder}'. Check the path.")
    found = {}
    for name in sorted(os.listdir(folder)):
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in IMAGE_SUFFIXES or name.startswith("."):
            continue
        if stem in found:
            problems.append(
                (
                    "two files of one name",
                    f"'{folder}' holds {os.path.basename(found[stem])} and {name}.",
                    "Keep one of them.",
                )
            )
            continue
        found[stem] = os.path.join(folder, name)
    return found
