"""Read a pair for `check_dataset` and note what is wrong with it."""

import os
import warnings

import numpy as np

from keras_seg.data.checks.label_checks import common_step
from keras_seg.data.files.list_images import is_image_name
from keras_seg.data.files.mask_palette import count_colours
from keras_seg.data.files.read_mask import ID_MODES, decode_mask
from keras_seg_runtime.images.open_image import open_image
from keras_seg_runtime.images.orientation import DESCRIPTIONS, turn_array, turned_apart
from keras_seg_runtime.images.read_image import decode_image

MAX_COLOURS = 256


def read_pair(report, source, index, name):
    """Reads a pair of a source that has no files.

    Args:
        report: `keras_seg.data.DatasetReport`, which takes the problems.
        source: Sequence of `(image, label)`.
        index: Integer.
        name: String, the pair's name in the report.

    Returns:
        The image and the label map, `None` in place of a faulty one.
    """
    try:
        image, label = source[index]
        image, label = np.asarray(image), np.asarray(label)
    except Exception as error:  # whatever a source raises is a finding
        report.add(
            "unreadable pairs",
            "error",
            f"Reading a pair failed, first {name}: {type(error).__name__}: {error}",
            "Repair or remove it.",
            name,
        )
        return None, None
    if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8:
        report.add(
            "shape of images",
            "error",
            f"Images must be uint8 (height, width, 3), first found: {image.dtype} "
            f"{image.shape}.",
            "Convert them in the source.",
            name,
        )
        image = None
    if label.ndim != 2 or label.dtype.kind not in "iu":
        report.add(
            "shape of labels",
            "error",
            "Labels must be integers of shape (height, width), first found: "
            f"{label.dtype} {label.shape}.",
            "Return `label.astype('uint8')`, and `label[..., 0]` where it has a "
            "channel axis.",
            name,
        )
        label = None
    if image is not None and label is not None:
        _check_sizes(report, image, label.shape, name)
    return image, label


def read_files(report, source, pair, colours):
    """Reads an image file and its mask file.

    Args:
        report: `keras_seg.data.DatasetReport`, which takes the problems.
        source: Source with `read_ids` and `map_ids`, or `None`.
        pair: Tuple of the two paths.
        colours: Dict from `(r, g, b)` to number of pixels, to which the colours
            of masks in RGB are added.

    Returns:
        The image and the label map, `None` in place of a faulty one.
    """
    image_path, mask_path = pair
    image, orientation = None, 1
    try:
        image, orientation = decode_image(image_path)
    except ValueError as error:
        report.add(
            "unreadable images",
            "error",
            f"The first of them: {error}",
            "Replace these files or remove the pairs.",
            image_path,
        )
    try:
        label, size, own = _read_mask(report, source, mask_path, colours)
    except (ValueError, ModuleNotFoundError) as error:
        report.add(
            "unreadable masks",
            "error",
            f"The first of them: {error}",
            "Replace these files or remove the pairs.",
            mask_path,
        )
        return image, None
    if image is None or size is None:
        return image, label
    turn_masks = getattr(source, "turn_masks", None)
    if turn_masks and own == 1:
        if label is not None:
            label = turn_array(label, orientation)
        size = turn_array(np.empty((*size, 0)), orientation).shape[:2]
    elif not _check_turn(report, image, size, orientation, own, turn_masks, mask_path):
        return image, label
    _check_sizes(report, image, size, mask_path)
    return image, label


def _read_mask(report, source, path, colours):
    """The label map or `None`, its size or `None`, and its EXIF orientation."""
    if not is_image_name(path) and source is not None:  # such as a file of MATLAB
        label = source.map_ids(source.read_ids(path))
        return label, label.shape, 1
    mask_palette = getattr(source, "mask_palette", None)
    with open_image(path) as mask:
        mode, file_format = mask.mode, mask.format
    if file_format in ("JPEG", "MPO"):
        report.add(
            "JPEG masks",
            "error",
            "Masks are saved as JPEG, whose compression changes ids and colours.",
            "Export the masks again from their source as PNG.",
            path,
        )
        return None, None, 1
    pixels, facts = decode_mask(os.fsdecode(path), mask_palette is not None)
    for finding in facts["findings"]:
        alpha = "alpha" in finding
        report.add(
            "alpha channel" if alpha else "several pages",
            "error" if alpha else "warning",
            f"A mask {finding}",
            "Save the channel that holds the classes as an 8-bit PNG of ids."
            if alpha
            else "Save one file for each mask, or ignore this if the first is right.",
            path,
        )
    size, own = pixels.shape[:2], facts["orientation"]
    if mask_palette is None and mode not in ID_MODES:
        found = count_colours(pixels)
        if len(found) > 1 or not facts["findings"]:
            for colour, count in found:
                colours[colour] = colours.get(colour, 0) + count
            report.add("RGB masks", "error", "", "", path)
        return None, size, own
    if source is None:
        return pixels, size, own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are in the report by now
        return source.map_ids(source.read_ids(path)), size, own


def report_colours(report, colours):
    """Completes the finding of masks painted in colours.

    Args:
        report: `keras_seg.data.DatasetReport`.
        colours: Dict from `(r, g, b)` to number of pixels, of all such masks.
    """
    if not colours:
        return
    problem = next(p for p in report.problems if p["kind"] == "RGB masks")
    problem["found"] = "Masks are painted in RGB colours, expected one id a pixel."
    ordered = sorted(colours, key=colours.get, reverse=True)
    if len(colours) > MAX_COLOURS:
        problem["found"] += (
            f" They hold {len(colours)} colours, too many for classes: these are "
            "photos, or edges blended by resizing or compression."
        )
        problem["fix"] = "Export the masks again without antialiasing, as PNG."
        return
    total = sum(colours.values())
    problem["found"] += " Colours: " + ", ".join(
        f"{colour} {colours[colour] / total:.2%}" for colour in ordered[:50]
    )
    if all(len(set(colour)) == 1 for colour in ordered):
        values = sorted(colour[0] for colour in ordered)
        ids = range(len(values)) if common_step(values) > 1 else values
        mapping = {(v, v, v): i for v, i in zip(values, ids, strict=True)}
        problem["fix"] = f"The colours are grey levels: mask_palette={mapping}"
        return
    problem["fix"] = (
        f"mask_palette={sorted(ordered)}, put into the order of your classes. For "
        "void, pass a dict from colour to id, with the id "
        f"{report.ignore_class} for void."
    )


def _check_turn(report, image, size, orientation, own, turn_masks, path):
    """Compares EXIF orientations. Returns whether sizes have yet to be compared."""
    apart = turned_apart(image.shape[:2], size, orientation, own)
    if apart == "certain" or (apart == "possible" and turn_masks is None):
        swapped = apart == "certain"
        report.add(
            "EXIF orientation" if swapped else "EXIF orientation may differ",
            "error" if swapped else "warning",
            f"Photos are {DESCRIPTIONS[orientation]} by their EXIF orientation, and "
            "their masks have none"
            + (": height and width are swapped." if swapped else ": look at a pair."),
            "SegmentationFolder(..., turn_masks=True) turns each mask like its photo"
            + (
                ". Do not resize the masks."
                if swapped
                else ", if masks were drawn over the pixels as stored; "
                "turn_masks=False, if over the photos as viewers show them."
            ),
            path,
        )
    return apart is None


def _check_sizes(report, image, mask_size, name):
    if image.shape[:2] == tuple(mask_size):
        return
    found = (
        "Image and mask differ in size, first "
        f"{image.shape[0]} x {image.shape[1]} and {mask_size[0]} x {mask_size[1]}."
    )
    fix = "Resize the masks to the images with nearest neighbour."
    if image.shape[:2] == tuple(mask_size[::-1]):
        found += " One is turned against the other."
        fix = "Rotate the masks to match the images. Do not resize them."
    report.add("sizes differ", "error", found, fix, name)
