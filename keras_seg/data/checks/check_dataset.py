"""Look through a data set and print what is wrong with it."""

import os

import numpy as np
from tqdm import tqdm

from keras_seg.data.checks.dataset_report import DatasetReport
from keras_seg.data.checks.label_checks import report_ids
from keras_seg.data.checks.read_checks import read_files, read_pair, report_colours
from keras_seg.data.files.list_images import as_paths
from keras_seg.data.files.pair_files import order_problem, pair_files

SMALL_SIDE = 32
LONG_RATIO = 20
FIRST_MASKS = 3


def check_dataset(
    source, num_classes=None, ignore_class=255, limit=None, mask_suffix=None
) -> DatasetReport:
    """Prints what is wrong with a data set, and how to fix it.

    Every pair is read, and no problem stops the check: files without partner, lists in
    different orders, unreadable, truncated and oversized files, sizes that differ,
    photos turned by their EXIF orientation, masks of 0 and 255, ids out of range or
    counted from 1, gaps, masks in RGB colours (with the `mask_palette` to pass) or in
    the alpha channel, JPEG masks, masks that are all void, and images of absurd sizes.
    A table counts the pixels of each class.

    Args:
        source: A source such as `keras_seg.data.CamVid`, or a pair
            `(images, masks)` of two folders or two iterables of paths, or an iterator
            over pairs of paths or of arrays.
        num_classes: Integer. Defaults to the source's, else to `None`: the
            numbers are then judged by themselves.
        ignore_class: Integer, the id of void, for a pair of folders; a source has its
            own. Defaults to 255.
        limit: Integer. Look at that many pairs, spread evenly. Defaults to all.
        mask_suffix: String, for a pair of folders or lists, as for
            `keras_seg.data.SegmentationFolder`.

    Returns:
        A `keras_seg.data.DatasetReport`, which has been printed.

    Raises:
        ValueError: If a folder does not exist.

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
    source, files, problems = _open(source, mask_suffix)
    report = DatasetReport(
        num_classes=num_classes or getattr(source, "num_classes", None),
        class_names=getattr(source, "class_names", None),
        ignore_class=getattr(source, "ignore_class", ignore_class),
    )
    for problem in problems:
        report.add(*problem)
    if report.num_classes is not None and report.num_classes < 2:
        report.add(
            "one class",
            "error",
            "One class cannot be told from anything. Received: num_classes="
            f"{report.num_classes}.",
            "num_classes=2, as the background counts as a class, with 0 for background "
            "in the masks and 1 for the object.",
        )
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
    colours = {}  # of all masks painted in RGB
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
    report_ids(report)
    print(report)
    return report


def _open(source, mask_suffix):
    """The source or None, its pairs of files or None, problems of pairing."""
    if hasattr(source, "pairs") and hasattr(source, "map_ids"):
        problem = order_problem(source.pairs)
        return source, source.pairs, [problem] if problem else []
    if not hasattr(source, "__getitem__"):  # such as zip(images, masks)
        pairs = list(source)
        if pairs and all(as_paths(pair) and len(pair) == 2 for pair in pairs):
            pairs = [tuple(as_paths(pair)) for pair in pairs]
            problem = order_problem(pairs)
            return None, pairs, [problem] if problem else []
        return pairs, None, []
    if isinstance(source, (list, tuple)) and len(source) == 2:
        parts = [
            part if isinstance(part, (str, bytes, os.PathLike)) else as_paths(part)
            for part in source
        ]
        if None not in parts:
            return None, *pair_files(*parts, mask_suffix)
    return source, None, []


def _check_size(report, image, name):
    height, width = image.shape[:2]
    report.sizes[height, width] = report.sizes.get((height, width), 0) + 1
    if min(height, width) < SMALL_SIDE:
        report.add(
            "tiny images",
            "warning",
            f"Images have a side below {SMALL_SIDE} pixels, first {height} x {width}.",
            "Remove them, unless they are intended.",
            name,
        )
    elif max(height, width) > LONG_RATIO * min(height, width):
        report.add(
            "long images",
            "warning",
            f"Images are over {LONG_RATIO} times as long as wide, first "
            f"{height} x {width}.",
            "Cut them into pieces, unless they are intended.",
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
