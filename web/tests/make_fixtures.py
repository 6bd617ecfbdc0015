"""Small cases of what the page computes as keras_seg_runtime does.

    python web/tests/make_fixtures.py

Writes unit/fixtures.json, which is part of the repository: it takes NumPy alone, and a
test of the Python package holds it equal to the code.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from keras_seg_runtime import draw_overlay
from keras_seg_runtime.labels.area_mean import area_mean
from keras_seg_runtime.labels.longest_side import longest_side_size
from keras_seg_runtime.labels.predict_logits import padded_window
from keras_seg_runtime.labels.segment import write_window_labels
from keras_seg_runtime.labels.window_logits import WindowLogits
from keras_seg_runtime.labels.window_size import max_window_pixels

PATH = Path(__file__).parent / "unit" / "fixtures.json"
THRESHOLD = 0.6
VOID = 255


def fixtures():
    """The cases as lists and numbers."""
    generator = np.random.default_rng(0)
    return {
        "sizes": [_size(*case) for case in SIZES],
        "windows": [_window(*case) for case in WINDOWS],
        "means": [_mean(generator, *case) for case in MEANS],
        "labels": [_labels(generator, *case) for case in LABELS],
        "overlay": _overlay(generator),
        "padded": _padded(generator),
    }


SIZES = [(427, 640, 384), (640, 427, 384), (384, 200, 384), (5, 999, 99), (9, 7, None)]
# Number of classes and input scale.
WINDOWS = [(11, 1.0), (11, 1.5), (30, 1.0), (31, 1.0), (150, 1.0), (150, 3.0)]
# Height and width of the image and of the means.
MEANS = [(8, 10, 4, 5), (9, 12, 3, 4), (13, 17, 7, 9), (11, 8, 11, 3), (20, 31, 12, 9)]
# Height and width of the logits, of the image padded, shown and in full, and the number
# of classes.
LABELS = [
    ((3, 4), (12, 16), (12, 16), (12, 16), 5),
    ((5, 4), (20, 16), (20, 16), (33, 27), 6),
    ((4, 5), (13, 18), (13, 18), (40, 31), 4),
    ((8, 8), (32, 32), (9, 13), (9, 13), 4),
    ((6, 6), (6, 6), (6, 6), (15, 6), 3),
]


def _size(height, width, long_side):
    found = longest_side_size(height, width, long_side)
    return {"size": [height, width], "long_side": long_side, "shown": list(found)}


def _window(num_classes, input_scale):
    model = SimpleNamespace(num_classes=num_classes, input_scale=input_scale)
    return {
        "classes": num_classes,
        "input_scale": input_scale,
        "max_pixels": max_window_pixels(model),
    }


def _mean(generator, height, width, new_height, new_width):
    image = generator.integers(0, 256, (height, width, 3), "uint8")
    means = area_mean(image, new_height, new_width)
    return {
        "size": [height, width],
        "target": [new_height, new_width],
        "image": image.ravel().tolist(),
        "means": means.ravel().tolist(),
    }


def _labels(generator, cells, padded, shown, size, num_classes):
    logits = (4 * generator.normal(size=(*cells, num_classes))).astype("float32")
    logits = np.round(logits, 3)
    logits[: cells[0] // 2, :, 0] += 6  # an area of one class, as in photos
    window = WindowLogits.of_window(logits, *padded).part(0, shown[0], 0, shown[1])
    found = {}
    for name, threshold in {"labels": None, "certain": THRESHOLD}.items():
        labels = np.empty(size, "uint8")
        write_window_labels(window, labels, threshold, VOID)
        found[name] = labels.ravel().tolist()
    return {
        "cells": cells,
        "padded": padded,
        "shown": shown,
        "size": size,
        "classes": num_classes,
        "threshold": THRESHOLD,
        "void": VOID,
        "logits": [float(f"{value:.6g}") for value in logits.ravel().tolist()],
        **found,
    }


def _overlay(generator):
    image = generator.integers(0, 256, (40, 36, 3), "uint8")
    labels = np.zeros((40, 36), "uint8")
    labels[10:30, 8:20] = 1
    labels[25:, 15:] = 2
    labels[:4, 30:] = VOID
    palette = [[255, 0, 10], [3, 200, 90], [40, 40, 255]]
    names = ["a", "b", "c"]
    picture = draw_overlay(image, labels, names, palette, alpha=0.55, legend=False)
    return {
        "size": [40, 36],
        "image": image.ravel().tolist(),
        "labels": labels.ravel().tolist(),
        "palette": palette,
        "opacity": 0.55,
        "picture": picture.ravel().tolist(),
    }


def _padded(generator):
    class Model:
        input_shape = (None, None, None, 3)

    image = generator.integers(0, 256, (3, 33, 3), "uint8")
    padded = padded_window(Model(), image)
    return {
        "size": [3, 33],
        "image": image.ravel().tolist(),
        "padded_size": list(padded.shape[:2]),
        "padded": padded[:, ::11].ravel().tolist(),  # every eleventh column
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(fixtures(), separators=(",", ":")) + "\n")
