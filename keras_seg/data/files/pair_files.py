"""Pair image files with mask files."""

import os
import typing
import warnings

from keras_seg.data.files.list_images import as_paths, list_images, name_some
from keras_seg.data.files.match_names import (
    list_stems,
    match_names,
    misplaced,
    split_names,
)


class PairingProblem(typing.NamedTuple):
    """What is wrong with pairs of files: `severity` is `"error"` or `"warning"`."""

    kind: str
    severity: str
    found: str
    fix: str


def require_pairs(images, masks, mask_suffix=None):
    """Pairs files, and raises if an image has no mask.

    Args:
        images, masks, mask_suffix: See `pair_files`.

    Returns:
        A list of `(image path, mask path)`.

    Raises:
        ValueError: If there is no pair, an image without a mask, or another problem
            of severity `"error"`.
    """
    pairs, problems = pair_files(images, masks, mask_suffix)
    errors = [p for p in problems if p.severity == "error"]
    if errors:
        raise ValueError(" ".join(f"{p.found} {p.fix}" for p in errors))
    if not pairs:
        raise ValueError(
            f"No image with a mask was found. Received: images={images!r}, "
            f"masks={masks!r}. If a pattern gave empty lists: brackets in the names of "
            "folders must be escaped with glob.escape."
        )
    for problem in problems:
        if problem.kind == "names in another order":
            warnings.warn(f"{problem.found} {problem.fix}", stacklevel=3)
    return pairs


def pair_files(images, masks, mask_suffix=None):
    """Pairs images and masks by name, or in the given order.

    Args:
        images: A folder, with folders inside it, or an iterable of paths.
        masks: A folder, which may be that of the images, or an iterable of paths.
        mask_suffix: String, what the names of masks have behind those of images, as
            `"_mask"` for `a.jpg` and `a_mask.png`. Defaults to `None`: names in folders
            are the same, or the suffix is found out; two lists are paired in order.

    Returns:
        A tuple of a list of `(image path, mask path)`, sorted by name unless they are
        in the order of lists, and a list of `PairingProblem`s: images without mask,
        masks without image, two files of one name, names in another order.

    Raises:
        ValueError: If there is no such folder, or one folder and no suffix.

    Example:

    ```python
    from keras_seg.data.files.pair_files import pair_files

    pairs, problems = pair_files(["i/1.jpg", "i/2.jpg"], ["m/2.png", "m/1.png"])
    print(problems[0].kind)  # names in another order
    ```
    """
    lists = as_paths(images), as_paths(masks)
    if None not in lists:
        if mask_suffix is None:
            return _in_order(*lists)
        problems = []
        named = [
            _unique(zip(list_stems(paths), paths, strict=True), problems, "a list")
            for paths in lists
        ]
        return _matched(*named, mask_suffix, problems, "the list")
    if not all(isinstance(x, (str, bytes, os.PathLike)) for x in (images, masks)):
        raise ValueError(
            "`images` and `masks` must be two folders, or two lists (or other ordered "
            f"iterables) of paths. Received: images of type {type(images).__name__}, "
            f"masks of type {type(masks).__name__}."
        )
    return _in_folders(os.fsdecode(images), os.fsdecode(masks), mask_suffix)


def order_problem(pairs):
    """Returns the `PairingProblem` of lists in different orders, or `None`."""
    wrong = misplaced(pairs)
    if not wrong:
        return None
    image, mask = wrong[0]
    return PairingProblem(
        "names in another order",
        "warning",
        f"The names of images and masks go in different orders: {len(wrong)} images "
        f"are paired with the mask of another, such as {name_some([image])} with "
        f"{name_some([mask])}.",
        "Sort both lists by the same key, or pass mask_suffix='_mask' (or '' where the "
        "names are the same) to pair by name.",
    )


def _in_order(images, masks):
    problems = []
    if len(images) != len(masks):
        problems.append(
            PairingProblem(
                "numbers differ",
                "error",
                f"There are {len(images)} images and {len(masks)} masks, but "
                "lists are paired in order.",
                "Pass as many masks as images, or `mask_suffix` to pair by name.",
            )
        )
    pairs = list(zip(images, masks, strict=False))
    same = [image for image, mask in pairs if str(image) == str(mask)]
    if same:
        problems.append(
            PairingProblem(
                "masks are images",
                "error",
                f"{len(same)} images are their own masks: {name_some(same)}.",
                "Pass the paths of the masks as the second list.",
            )
        )
    return pairs, problems + [p for p in [order_problem(pairs)] if p]


def _in_folders(images, masks, mask_suffix):
    problems = []
    if os.path.isdir(images) and os.path.realpath(images) == os.path.realpath(masks):
        files = _unique(list_images(images), problems, repr(images))
        image_of, mask_of, mask_suffix = split_names(files, mask_suffix)
        if files and not mask_suffix:
            raise ValueError(
                f"Images and masks are in one folder, {images!r}, and no suffix tells "
                "them apart. Pass mask_suffix='_mask' for masks NAME_mask.png of "
                "images NAME.jpg, or two lists of paths."
            )
    else:
        image_of = _unique(list_images(images, [masks]), problems, repr(images))
        mask_of = _unique(list_images(masks, [images]), problems, repr(masks))
    return _matched(image_of, mask_of, mask_suffix, problems, repr(masks))


def _matched(image_of, mask_of, mask_suffix, problems, place):
    pairs, images, masks = match_names(image_of, mask_of, mask_suffix)
    way_out = (
        "pass `mask_suffix` where the names of masks end in one, or two lists of paths "
        "in matching order."
    )
    if images:
        problems.append(
            PairingProblem(
                "images without mask",
                "error",
                f"{len(images)} images have no mask of the same name in {place}: "
                f"{name_some(images)}.",
                f"Add the masks, move these images away, {way_out}",
            )
        )
    if masks:
        problems.append(
            PairingProblem(
                "masks without image",
                "warning",
                f"{len(masks)} masks have no image of the same name: "
                f"{name_some(masks)}.",
                f"Add the images, move these masks away, {way_out}",
            )
        )
    return pairs, problems


def _unique(named, problems, place):
    """Dict from names to paths; a name that comes twice is a problem."""
    found = {}
    for name, path in named:
        if name in found:
            problems.append(
                PairingProblem(
                    "two files of one name",
                    "error",
                    f"In {place} there are {name_some([found[name], path])}.",
                    "Keep one of them.",
                )
            )
        else:
            found[name] = path
    return found
