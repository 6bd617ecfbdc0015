"""Read a pair for `check_dataset` and note what is wrong with it."""

import numpy as np

from keras_seg.data.checks.label_checks import common_step
from keras_seg.data.files.read_image import open_image, read_image
from keras_seg.data.files.read_mask import ID_MODES, mask_colours, read_mask

MAX_COLOURS = 256


def read_pair(report, source, index, name):
    """Read a pair of a source that has no files.

    Args:
        report: `keras_seg.data.DatasetReport`, which takes the problems.
        source: sequence of `(image, label)`.
        index: integer.
        name: string, the pair's name in the report.

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
        _check_match(report, image, label.shape, name)
    return image, label


def read_files(report, source, pair, colours):
    """Read an image file and its mask file.

    Args:
        report: `keras_seg.data.DatasetReport`, which takes the problems.
        source: source with `mask_palette` and `map_ids`, or `None`.
        pair: tuple of the two paths.
        colours: dict from `(r, g, b)` to number of pixels, to which the colours
            of masks in RGB are added.

    Returns:
        The image and the label map, `None` in place of a faulty one.
    """
    image_path, mask_path = pair
    image = label = None
    try:
        image = read_image(image_path)
    except ValueError as error:
        report.add(
            "unreadable images",
            "error",
            f"The first of them: {error}",
            "Replace these files or remove the pairs.",
            image_path,
        )
    mask_palette = getattr(source, "mask_palette", None)
    try:
        with open_image(mask_path) as mask:
            mode, file_format, (width, height) = mask.mode, mask.format, mask.size
        if image is not None:
            _check_match(report, image, (height, width), mask_path)
        if file_format in ("JPEG", "MPO"):
            report.add(
                "JPEG masks",
                "error",
                "Masks are saved as JPEG, whose compression changes ids and colours.",
                "Export the masks again from their source as PNG.",
                mask_path,
            )
        elif mask_palette is None and mode not in (*ID_MODES, "LA", "PA"):
            for colour, count in mask_colours(mask_path):
                colours[colour] = colours.get(colour, 0) + count
            report.add("RGB masks", "error", "", "", mask_path)
        else:
            label = read_mask(mask_path, mask_palette)
            if source is not None:
                label = source.map_ids(label)
    except ValueError as error:
        report.add(
            "unreadable masks",
            "error",
            f"The first of them: {error}",
            "Replace these files or remove the pairs.",
            mask_path,
        )
    return image, label


def report_colours(report, colours):
    """Complete the finding of masks painted in colours.

    Args:
        report: `keras_seg.data.DatasetReport`.
        colours: dict from `(r, g, b)` to number of pixels, of all such masks.
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


def _check_match(report, image, mask_size, name):
    if image.shape[:2] == mask_size:
        return
    found = (
        "Image and mask differ in size, first "
        f"{image.shape[0]} x {image.shape[1]} and {mask_size[0]} x {mask_size[1]}."
    )
    fix = "Resize the masks to the images with nearest neighbour."
    if image.shape[:2] == mask_size[::-1]:
        found += " One is turned against the other."
        fix = (
            "Turn the masks like the images; cameras store the turn of a photo in "
            "its EXIF orientation, which is applied here and often is not in "
            "labelling tools."
        )
    report.add("sizes differ", "error", found, fix, name)
