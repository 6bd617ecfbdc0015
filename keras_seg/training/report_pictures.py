"""The pictures of a run: crops, curves, the confusion matrix, images of val."""

import copy
import math

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_seg import inference
from keras_seg.data.palette import default_palette
from keras_seg.inference.evaluate import model_names
from keras_seg.training.fit import training_batches
from keras_seg.training.replace_file import replace_file
from keras_seg.visualization import draw_overlay

WHITE, INK, GREY, LIGHT = (255,) * 3, (30, 34, 40), (130, 136, 145), (225, 228, 232)
BLUE, ORANGE = (31, 119, 180), (230, 110, 20)
SHOWN_WIDTH = 360
CROPS = 4


def draw_crops(args, source, model, folder):
    """Writes `report/crops.png`: training crops, plain and with their masks.

    Args:
        args: Namespace of all settings.
        source: Source of the training.
        model: `keras_seg.models.Segmenter`, for names and colours.
        folder: `pathlib.Path` of the run.
    """
    args = copy.copy(args)
    args.repeat_rare, args.workers = 0.0, 0
    images, labels = training_batches(args, source).make_batch(0)
    pairs = list(zip(images, labels, strict=True))[:CROPS]
    rows = [
        np.concatenate([_shown(image) for image, _ in pairs], axis=1),
        np.concatenate([_overlay(model, *pair) for pair in pairs], axis=1),
    ]
    save_picture(np.concatenate(rows), folder, "crops")


def draw_examples(args, model, source, scores, folder, split):
    """Writes `report/val_best.png`, `val_median.png` and `val_worst.png`.

    Each shows an image, its truth and its prediction, side by side.

    Args:
        args: Namespace of all settings.
        model: `keras_seg.models.Segmenter`.
        source: Source of the validation.
        scores: List of floats, the mean IoU of each image.
        folder: `pathlib.Path` of the run.
        split: String, `"val"` in the names.

    Returns:
        Dictionary from `"best"`, `"median"` and `"worst"` to pairs of the name of the
        image and its score.
    """
    order = [i for i in np.argsort(scores) if math.isfinite(scores[i])]
    if not order:
        return {}
    protocol = inference.TestProtocol(long_side=args.long_side or None)
    places = {"best": order[-1], "median": order[len(order) // 2], "worst": order[0]}
    names, shown = getattr(source, "names", None), {}
    for title, index in places.items():
        image, truth = source[int(index)]
        labels = inference.segment_by_protocol(model, image, protocol)
        parts = [_shown(image), _overlay(model, image, truth)]
        parts.append(_overlay(model, image, labels))
        save_picture(np.concatenate(parts, axis=1), folder, f"{split}_{title}")
        shown[title] = (names[index] if names else f"image {index}", scores[index])
    return shown


def draw_curves(lines, folder):
    """Writes `report/curves.png`: losses and mean IoU over the epochs.

    Args:
        lines: List of dictionaries, the history.
        folder: `pathlib.Path` of the run.
    """
    picture = Image.new("RGB", (1080, 380), WHITE)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=16)
    for left, title, names in (
        (0, "loss", ("loss", "val_loss")),
        (540, "mean IoU", ("mean_iou", "val_mean_iou")),
    ):
        curves = [
            [(line["epoch"], line[name]) for line in lines if name in line]
            for name in names
        ]
        box = (left + 70, 50, left + 510, 330)
        _plot(draw, font, box, curves)
        draw.text((left + 70, 18), title, INK, font)
        for text, colour, x in (("train", BLUE, 180), ("val", ORANGE, 260)):
            draw.line([(left + x, 28), (left + x + 24, 28)], colour, 3)
            draw.text((left + x + 30, 18), text, INK, font)
    save_picture(np.asarray(picture), folder, "curves")


def draw_confusion(counts, names, folder, split):
    """Writes `report/val_confusion.png`: what each class is taken for, in per cent.

    Args:
        counts: Integer array `(K, K + 1)`, rows are truth.
        names: List of strings.
        folder: `pathlib.Path` of the run.
        split: String, `"val"` in the name.
    """
    classes = len(names)
    shares = counts[:, :classes] / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell = min(48, max(6, 960 // classes))
    font = ImageFont.load_default(size=max(9, min(15, cell - 4)))
    labelled = cell >= 12
    margin = 20
    if labelled:
        margin += math.ceil(max(font.getlength(str(name)) for name in names))
    side = margin + classes * cell + 10
    picture = Image.new("RGB", (side, side), WHITE)
    draw = ImageDraw.Draw(picture)
    if labelled:
        upright = Image.new("RGB", (classes * cell, margin), WHITE)
        for k, name in enumerate(names):
            y = margin + k * cell + cell / 2
            draw.text((margin - 8, y), str(name), INK, font, anchor="rm")
            strip = Image.new("RGB", (margin, cell), WHITE)
            ImageDraw.Draw(strip).text((8, cell / 2), str(name), INK, font, "lm")
            upright.paste(strip.rotate(90, expand=True), (k * cell, 0))
        picture.paste(upright, (margin, 0))
    for row in range(classes):
        for column in range(classes):
            share = shares[row, column]
            x, y = margin + column * cell, margin + row * cell
            tone = tuple(int(255 - share * (255 - c)) for c in (12, 74, 140))
            draw.rectangle((x, y, x + cell - 1, y + cell - 1), tone, LIGHT)
            if cell >= 30 and share >= 0.005:
                colour = WHITE if share > 0.5 else INK
                middle = (x + cell / 2, y + cell / 2)
                draw.text(middle, f"{100 * share:.0f}", colour, font, anchor="mm")
    save_picture(np.asarray(picture), folder, f"{split}_confusion")


def save_picture(array, folder, name):
    """Writes `report/NAME.png` in a folder."""
    path = folder / "report" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    with replace_file(path) as file:
        Image.fromarray(np.ascontiguousarray(array)).save(file, "PNG")


def _plot(draw, font, box, curves):
    left, top, right, bottom = box
    points = [point for curve in curves for point in curve]
    draw.rectangle(box, None, LIGHT)
    values = [value for _, value in points if math.isfinite(value)]
    if not values:
        return
    low, high = min(0.0, *values), max(values) or 1.0
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    for step in range(5):
        y = bottom - (bottom - top) * step / 4
        draw.line([(left, y), (right, y)], LIGHT)
        text = f"{low + (high - low) * step / 4:.3g}"
        draw.text((left - 8, y), text, GREY, font, anchor="rm")
    for x, text in ((left, first), (right, last)):
        draw.text((x, bottom + 8), str(text), GREY, font, anchor="mt")
    middle = ((left + right) / 2, bottom + 8)
    draw.text(middle, "epoch", GREY, font, anchor="mt")
    for curve, colour in zip(curves, (BLUE, ORANGE), strict=True):
        path = [
            (
                left + (right - left) * (x - first) / max(1, last - first),
                bottom - (bottom - top) * (value - low) / (high - low or 1),
            )
            for x, value in curve
            if math.isfinite(value)
        ]
        if len(path) > 1:
            draw.line(path, colour, 3, joint="curve")
        for x, y in path:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour)


def _overlay(model, image, labels):
    palette = model.palette or default_palette(model.num_classes)
    names = model_names(model)
    drawn = draw_overlay(
        image, labels, names, palette, legend=False, ignore_class=model.ignore_class
    )
    return _shown(drawn)


def _shown(image):
    height, width = image.shape[:2]
    size = (SHOWN_WIDTH, max(1, round(height * SHOWN_WIDTH / width)))
    method = cv2.INTER_AREA if width > SHOWN_WIDTH else cv2.INTER_NEAREST
    return cv2.resize(image, size, interpolation=method)
