"""Find the mask of each image by the names of the files."""

import os
import re
from collections import Counter

from keras_seg.data.files.list_images import is_image_name, stem_of

# What sets the names of masks apart, as "_mask": a sign and at least one letter, so
# that "img1" and "img1_2" are not taken for an image and its mask.
SUFFIX = re.compile(r"[^0-9A-Za-z/].*[A-Za-z]")


def match_names(image_of, mask_of, mask_suffix=None):
    """Pairs images and masks by name.

    Args:
        image_of: Dict from names to paths of images.
        mask_of: Dict from names to paths of masks.
        mask_suffix: String that the names of masks have at the end. Defaults to
            `None`: it is found out, where no mask has the very name of an image.

    Returns:
        A tuple of a list of `(image path, mask path)` sorted by name, a list of the
        images without mask and a list of the masks without image.

    Example:

    ```python
    from keras_seg.data.files.match_names import match_names

    print(match_names({"a": "a.jpg"}, {"a_mask": "a_mask.png"})[0])
    # [('a.jpg', 'a_mask.png')]
    ```
    """
    if mask_suffix is None:
        mask_suffix = ""
        if not set(image_of) & set(mask_of):
            mask_suffix = common_suffix(image_of, mask_of)
    mask_suffix = suffix_stem(mask_suffix)
    partner = {name: name + mask_suffix for name in image_of}
    # Names that differ in upper and lower case alone, as some cameras and tools write.
    missing = [name for name in image_of if partner[name] not in mask_of]
    folded = _unique_folded(set(mask_of) - set(partner.values()))
    twins = _unique_folded({partner[name] for name in missing})
    for name in missing:
        key = partner[name].casefold()
        if key in twins and key in folded:
            partner[name] = folded[key]
    paired = {name: other for name, other in partner.items() if other in mask_of}
    pairs = [(image_of[name], mask_of[paired[name]]) for name in sorted(paired)]
    images = [image_of[name] for name in sorted(image_of) if name not in paired]
    used = set(paired.values())
    masks = [mask_of[name] for name in sorted(mask_of) if name not in used]
    return pairs, images, masks


def split_names(path_of, mask_suffix=None):
    """Splits the files of one folder into images and masks.

    Args:
        path_of: Dict from names to paths.
        mask_suffix: String or `None`, see `match_names`.

    Returns:
        A tuple of two dicts, of images and of masks, and the suffix, `""` if there is
        none.
    """
    suffix = suffix_stem(mask_suffix or common_suffix(path_of, path_of))
    images, masks = {}, {}
    for name, path in path_of.items():
        (masks if suffix and name.endswith(suffix) else images)[name] = path
    return images, masks, suffix


def common_suffix(image_names, mask_names):
    """Finds what most names of masks have behind the name of an image.

    Args:
        image_names: Names of images, in which to look up is fast.
        mask_names: Names of masks.

    Returns:
        String, `""` where there is no such suffix.
    """
    rests = Counter(
        name[place:]
        for name in mask_names
        for place in range(1, len(name))
        if name[:place] in image_names and SUFFIX.match(name[place:])
    )
    if not rests:
        return ""
    (suffix, count), *others = rests.most_common(2)
    ambiguous = others and others[0][1] == count
    return "" if ambiguous else suffix


def suffix_stem(mask_suffix):
    """Returns `"_mask"` also for `"_mask.png"`."""
    return (
        os.path.splitext(mask_suffix)[0]
        if is_image_name(mask_suffix)
        else (mask_suffix)
    )


def misplaced(pairs):
    """Finds pairs whose names say that the lists are in different orders.

    Args:
        pairs: List of `(image path, mask path)`.

    Returns:
        A list of the pairs `(image path, mask path)` in which another mask has the
        name of the image.

    Example:

    ```python
    from keras_seg.data.files.match_names import misplaced

    pairs = [("i/1.jpg", "m/1_mask.png"), ("i/2.jpg", "m/10_mask.png")]
    print(misplaced([*pairs, ("i/10.jpg", "m/2_mask.png")]))  # the last two pairs
    ```
    """
    if not pairs:
        return []
    stems = [list_stems(paths) for paths in zip(*pairs, strict=True)]
    for images, masks in (stems, [_cores(names) for names in stems]):
        place_of = {name: place for place, name in enumerate(masks)}
        if len(place_of) < len(pairs) or len(set(images)) < len(pairs):
            continue
        namesakes = [place_of.get(name) for name in images]
        if 2 * sum(place is not None for place in namesakes) < len(pairs):
            continue
        return [
            pair
            for here, (pair, place) in enumerate(zip(pairs, namesakes, strict=True))
            if place not in (None, here)
        ]
    return []


def list_stems(paths):
    """Returns the names of paths, from the folder on that they have in common."""
    try:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths])
        paths = [os.path.relpath(path, folder or os.curdir) for path in paths]
    except ValueError:  # absolute and relative paths, or several drives
        paths = [os.path.basename(path) for path in paths]
    return [stem_of(path) for path in paths]


def _cores(names):
    """Names without what all have in common at their beginning and end."""
    start = len(os.path.commonprefix(names))
    names = [name[start:] for name in names]
    end = len(os.path.commonprefix([name[::-1] for name in names]))
    return [name[: len(name) - end] for name in names]


def _unique_folded(names):
    """Dict from names in lower case to names, where one name alone has it."""
    counts = Counter(name.casefold() for name in names)
    return {n.casefold(): n for n in names if counts[n.casefold()] == 1}
