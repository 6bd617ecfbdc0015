"""Look through a data set and print what is wrong with it."""

import os

import numpy as np
from tqdm import tqdm

from keras_seg.data.checks.dataset_report import DatasetReport
from keras_seg.data.checks.label_checks import check_ids
from keras_seg.data.checks.read_checks import read_files, read_pair, report_colours
from keras_seg.data.files.pair_files import pair_files

SMALL_SIDE = 32
LONG_RATIO = 20
FIRST_MASKS = 3


def check_dataset(source, num_classes=None, ignore_class=255, limit=None):
    """Print what is wrong with a data set, and how to fix it.

    Every pair is read, and no problem stops the check: files without partner,
    unreadable, truncated and oversized files, sizes that differ, masks of 0 and
    255, ids out of range or counted from 1, gaps, masks in RGB colours (with the
    `mask_palette` to pass), JPEG masks, masks that are all void, and images of
    absurd sizes. A table counts the pixels of each class.

    Args:
        source: a source such as `keras_seg.data.CamVid`, or a pair
            `(images, masks)` of two folders or two lists of paths.
        num_classes: integer. Defaults to the source's, else to `None`: the
            numbers are then judged by themselves.
        ignore_class: integer id of void, for a pair of folders; a source has its
            own. Defaults to 255.
        limit: integer. Look at that many pairs, spread evenly. Defaults to all.

    Returns:
        A `keras_seg.data.DatasetReport`, which has been printed.

    Raises:
        ValueError: if a folder does not exist.

    Example:

    ```python
    import os
    import tempfile

    from PIL import Image

    from keras_seg.data import check_dataset

    with tempfile.TemporaryDirectory() as root:
        folders = [os.path.join(root, name) for name in ("images", "masks")]
        for folder, mode in zip(folders, ("RGB", "L")):
            os.mkdir(folder)
            image = Image.new(mode, (64, 64))
            image.paste(Image.new(mode, (9, 9), "white"))
            image.save(os.path.join(folder, "a.png"))
        report = check_dataset(folders)
    print(report.problems[0]["fix"])  # ... id_map={255: 1})
    ```
    """
    source, files, problems = _open(source)
    report = DatasetReport(
        num_classes=num_classes or getattr(source, "num_classes", None),
        class_names=getattr(source, "class_names", None),
        ignore_class=getattr(source, "ignore_class", ignore_class),
    )
    for kind, found, fix in problems:
        severity = "warning" if kind == "masks without image" else "error"
        report.add(kind, severity, found, fix)
    report.num_pairs = len(source if files is None else files)
    if report.num_pairs == 0:
        report.add(
            "empty",
            "error",
            "There is no pair of an image and a mask.",
            "Check the folders and the names of the files.",
        )
    indices = range(report.num_pairs)
    if limit is not None and limit < report.num_pairs:
        indices = np.unique(np.linspace(0, report.num_pairs - 1, limit).astype(int))
    colours = {}
    for index in tqdm(indices, desc="Checking", disable=None, leave=False):
        report.num_checked += 1
        if files is None:
            name = f"pair {index}"
            image, label = read_pair(report, source, int(index), name)
        else:
            name = files[index][1]
            image, label = read_files(report, source, files[index], colours)
        if image is not None:
            _check_size(report, image, name if files is None else files[index][0])
        if label is not None:
            _count(report, label, name)
    report_colours(report, colours)
    check_ids(report)
    print(report)
    return report


def _open(source):
    """The source or None, its pairs of files or None, problems of pairing."""
    if hasattr(source, "pairs") and hasattr(source, "map_ids"):
        return source, source.pairs, []
    is_pair = isinstance(source, (list, tuple)) and len(source) == 2
    if is_pair and all(
        isinstance(part, (str, os.PathLike))
        or isinstance(part, list)
        and all(isinstance(path, (str, os.PathLike)) for path in part)
        for part in source
    ):
        return None, *pair_files(*source)
    return source, None, []


def _check_size(report, image, name):
    height, width = image.shape[:2]
    report.sizes[height, width] = report.sizes.get((height, width), 0) + 1
    if min(height, width) < SMALL_SIDE:
        report.add(
            "tiny images",
            "warning",
            f"Images have a side below {SMALL_SIDE} pixels, first {height} x {width}.",
            "Remove them, unless they are meant.",
            name,
        )
    elif max(height, width) > LONG_RATIO * min(height, width):
        report.add(
            "long images",
            "warning",
            f"Images are over {LONG_RATIO} times as long as wide, first "
            f"{height} x {width}.",
            "Cut them into pieces, unless they are meant.",
            name,
        )


def _count(report, label, name):
    ids, counts = np.unique(label, return_counts=True)
    for i, count in zip(ids.tolist(), counts.tolist(), strict=True):
        report.pixel_counts[i] = report.pixel_counts.get(i, 0) + count
        report.image_counts[i] = report.image_counts.get(i, 0) + 1
        masks = report.first_masks.setdefault(i, [])
        if len(masks) < FIRST_MASKS:
            masks.append(name)
    if ids.tolist() == [report.ignore_class]:
        report.add(
            "all void",
            "warning",
            f"Masks hold nothing but void ({report.ignore_class}); nothing is "
            "learnt from them.",
            "Remove the pairs, or look whether void_ids or id_map hit too much.",
            name,
        )
