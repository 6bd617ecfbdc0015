"""Judge the ids of a data set's masks by their histogram."""

from keras_seg.data.files.label_ids import THRESHOLD
from keras_seg.data.files.list_images import name_some

# Below this share of the pixels, ids are strays of blending and not classes.
STRAY_SHARE = 0.05


def report_ids(report):
    """Adds to a report what is wrong with its ids, and the exact fix.

    Args:
        report: `keras_seg.data.DatasetReport` whose `pixel_counts` are filled.
    """
    counts = report.pixel_counts
    ignore_class = report.ignore_class
    present = sorted(counts)
    classes = [i for i in present if i != ignore_class]
    if not classes:
        return
    num_classes = report.num_classes
    is_black_and_white = _is_black_and_white(report)
    if _is_blended(counts):
        report.add(
            "blended ids",
            "error",
            f"The masks hold {len(present)} different ids, and nearly all pixels "
            "hold two or three of them: the edges were blended by resizing, by "
            "antialiasing or by JPEG.",
            "Export the masks again without antialiasing and resize them only with "
            "nearest neighbour."
            + (f" Or cut them at half: {THRESHOLD}." if is_black_and_white else ""),
        )
        return
    if is_black_and_white:
        _report_black_and_white(report)
        return
    negative = [i for i in classes if i < 0]
    if negative:
        report.add(
            "negative ids",
            "error",
            f"The masks hold the negative ids {_some(negative)}.",
            f"void_ids={_tuple(negative)} if they mean void.",
        )
        classes = [i for i in classes if i >= 0]
    if num_classes is None:
        _check_without_num_classes(report, present, classes)
        return
    out_of_range = [i for i in classes if i >= num_classes]
    if out_of_range:
        _report_out_of_range(report, present, classes, out_of_range)
    absent = [i for i in range(num_classes) if i not in counts]
    if absent and not out_of_range:
        report.add(
            "absent classes",
            "warning",
            f"No mask holds the classes {_some([_named(report, i) for i in absent])}. "
            "This is legal; their IoU is undefined, and nothing is learnt of them.",
            "None needed if a larger part of the data set holds them"
            + (
                f"; otherwise renumber: num_classes={len(classes)}, "
                f"id_map={_renumbered(classes)}."
                if len(classes) > 1
                else "."
            ),
        )


def _is_black_and_white(report):
    """Whether nearly all pixels hold 0 or 255, and none another class."""
    counts, num_classes = report.pixel_counts, report.num_classes
    if not {0, 255} <= set(counts):
        return False
    strays = set(counts) - {0, 255, report.ignore_class}
    if num_classes is not None and num_classes > 2:
        return not strays and report.ignore_class == 255
    pixels = sum(counts[i] for i in strays)
    # What may be a class, however rare, is no stray.
    if num_classes is None and strays and max(strays) < 64:
        return False
    if num_classes is not None and 2 * counts.get(1, 0) > pixels:
        return False
    return pixels <= STRAY_SHARE * sum(counts.values())


def _report_black_and_white(report):
    counts = report.pixel_counts
    strays = sorted(set(counts) - {0, 255, report.ignore_class})
    if report.num_classes is not None and report.num_classes > 2:
        report.add(
            "0 and 255",
            "warning",
            f"The masks hold only 0 and 255, and 255 means void: of the "
            f"{report.num_classes} classes there is only class 0.",
            "If white is a class, id_map={255: its id}.",
        )
        return
    found = "The masks hold only 0 and 255"
    fix = "id_map={255: 1}"
    if strays:
        pixels = sum(counts[i] for i in strays)
        found = (
            f"The masks hold 0 and 255, and the grey levels {_some(strays)} in "
            f"{pixels:,} pixels, as resizing or antialiasing leaves at edges"
        )
        fix = THRESHOLD
    if report.ignore_class == 255:
        found += (
            ", but 255 means void: the white pixels would be left out and the model "
            "would learn to answer 0 everywhere."
        )
    else:
        found += ", expected 0 and 1."
    report.add(
        "0 and 255",
        "error",
        found,
        f"SegmentationFolder(images, masks, num_classes=2, {fix})",
    )


def _is_blended(counts):
    if len(counts) < 30:
        return False
    largest = sorted(counts.values())[-3:]
    return sum(largest) > 0.95 * sum(counts.values())


def _report_out_of_range(report, present, classes, out_of_range):
    counts, num_classes = report.pixel_counts, report.num_classes
    pixels = sum(counts[i] for i in out_of_range)
    share = pixels / sum(counts.values())
    found = (
        f"The masks hold ids outside 0 to {num_classes - 1}: {_some(out_of_range)} "
        f"({pixels:,} pixels, {share:.2%}). Training on them fails, or on some "
        "backends goes silently wrong."
    )
    shift = f"id_map={{i: i - 1 for i in range(1, {num_classes + 1})}}"
    if out_of_range == [num_classes] and 0 not in counts:
        kind = "ids from 1"
        fix = f"The ids start at 1: {shift}"
    elif len(present) == num_classes and len(classes) < num_classes:
        # The void id is needed to make up the number of classes.
        kind = "ids out of range"
        fix = f"The ids in order as classes: id_map={_renumbered(present)}"
    elif len(classes) == num_classes:
        kind = "ids out of range"
        fix = f"The ids in order as classes: id_map={_renumbered(classes)}"
    elif out_of_range == [num_classes]:
        kind = "ids out of range"
        fix = (
            f"Where {num_classes} means void: void_ids=({num_classes},). Where it is "
            f"a class: num_classes={num_classes + 1}. Where 0 means void or other "
            f"and classes start at 1: void_ids=(0,), {shift}"
        )
    else:
        kind = "ids out of range"
        fix = (
            f"Where they mean void: void_ids={_tuple(out_of_range)}. Where they are "
            f"classes: num_classes={max(classes) + 1}, or renumber with id_map="
            f"{_renumbered(classes)} and num_classes={len(classes)}."
        )
    names = {name for i in out_of_range for name in report.first_masks.get(i, ())}
    found += f" Some of the masks: {name_some(sorted(names))}."
    report.add(kind, "error", found, fix)


def _check_without_num_classes(report, present, classes):
    step = common_step(present)
    if len(classes) > 256:
        report.add(
            "too many ids",
            "error",
            f"The masks hold {len(classes)} different ids. These look like ids of "
            "single objects, or like photos, not like classes.",
            "Export class ids, or translate them with id_map={...}.",
        )
    elif step > 1:
        report.add(
            "spread ids",
            "error",
            f"All ids are multiples of {step}: {_some(present)}. They were spread to "
            "be visible.",
            f"num_classes={len(present)}, id_map={_renumbered(present)}",
        )
    elif classes[0] == 1 and len(classes) == classes[-1]:
        count = len(classes)
        report.add(
            "ids from 1",
            "error",
            f"The ids run from 1 to {count}, expected 0 to {count - 1}.",
            f"num_classes={count}, id_map={{i: i - 1 for i in range(1, {count + 1})}}",
        )
    elif classes != list(range(len(classes))):
        missing = [i for i in range(classes[-1]) if i not in report.pixel_counts]
        report.add(
            "gaps",
            "warning",
            f"The ids have gaps: {_some(missing)} never occur up to {classes[-1]}. "
            "This is legal where other masks hold them.",
            f"num_classes={classes[-1] + 1} to keep the gaps, or "
            f"num_classes={len(classes)}, id_map={_renumbered(classes)}. Where "
            f"{classes[-1]} means void: void_ids=({classes[-1]},).",
        )
    else:
        report.add(
            "number of classes",
            "warning",
            f"The ids run from 0 to {classes[-1]}; the number of classes was not "
            "given.",
            f"num_classes={max(2, len(classes))} if these masks hold every class.",
        )


def common_step(present):
    """Returns the step of ids such as 0, 85, 170, 255.

    Args:
        present: Sorted list of ids.

    Returns:
        Integer, 1 where there is none.
    """
    if len(present) < 2 or present[0] != 0:
        return 1
    step = present[1]
    even = all(i == place * step for place, i in enumerate(present))
    return step if even else 1


def _renumbered(ids, limit=30):
    moved = {old: new for new, old in enumerate(ids) if old != new}
    if len(moved) > limit:
        return f"{{old: new for new, old in enumerate({_some(ids)})}}"
    return str(moved)


def _named(report, class_id):
    if report.class_names is None:
        return class_id
    return f"{class_id} ({report.class_names[class_id]})"


def _tuple(ids):
    return str(tuple(ids)) if len(ids) <= 20 else f"({_some(ids)})"


def _some(items, limit=20):
    text = ", ".join(str(item) for item in items[:limit])
    return text + (f" and {len(items) - limit} more" if len(items) > limit else "")
