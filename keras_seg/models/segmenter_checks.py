"""Checks of the arguments of `Segmenter`."""

from typing import Any

import numpy as np

from keras_seg.metrics.confusion_metric import check_num_classes


def check_classes(num_classes, class_names, palette, ignore_class):
    """Raises `ValueError` if names, colours or void do not match `num_classes`."""
    check_num_classes(num_classes)
    for name, value in (("class_names", class_names), ("palette", palette)):
        if value is not None and len(value) != num_classes:
            raise ValueError(
                f"`{name}` must have one entry per class. Received: {len(value)} "
                f"entries for num_classes={num_classes}. Void has no entry."
            )
    if isinstance(ignore_class, bool) or not isinstance(
        ignore_class, (int, np.integer)
    ):
        raise ValueError(
            "`ignore_class` must be an integer. Received: ignore_class="
            f"{ignore_class!r}. Where labels have no void, leave it out."
        )
    if 0 <= ignore_class < num_classes:
        free = 255 if num_classes <= 255 else 65535
        raise ValueError(
            f"`ignore_class` must not be the id of a class. Received: ignore_class="
            f"{ignore_class} with num_classes={num_classes}. Pass ignore_class={free}"
            f"{'' if free == 255 else ', the largest id of a mask of 16 bits, or -1'}"
            "; void pixels of the labels must have this id."
        )


def list_or_none(values) -> Any:
    """A list of the values, or `None`; typed so that users may index the attribute."""
    return None if values is None else list(values)


def check_learned(classes_learned):
    """Raises if a softmax over the classes would have one channel."""
    if classes_learned is not None and len(classes_learned) == 1:
        raise ValueError(
            "`classes_learned` must name at least 2 classes: with one, every pixel is "
            f"of that class. Received: classes_learned={list(classes_learned)}."
        )


def check_levels(backbone, levels):
    """Returns the levels of a backbone to use, finest first, after checking them."""
    outputs = getattr(backbone, "pyramid_outputs", None)
    if not outputs:
        raise ValueError(
            f"`backbone` must have pyramid outputs. Received: {type(backbone).__name__}"
            ". Use a FeaturePyramidBackbone of keras-hub, or "
            "keras_seg.backbones.ApplicationsBackbone for keras.applications."
        )
    if levels is None:
        levels = [level for level in sorted(outputs) if int(level[1:]) >= 2]
    missing = [level for level in levels if level not in outputs]
    if missing:
        raise ValueError(
            f"`pyramid_levels` has {missing}, which the backbone lacks. It has: "
            f"{sorted(outputs)}."
        )
    return list(levels)


def image_size(backbone, input_scale):
    """Height and width of the images: `None`, unless the backbone has a fixed size."""
    size = backbone.input.shape[1:3]
    return [None if n is None else round(n / input_scale) for n in size]


def check_long_side(long_side):
    """Raises `ValueError` unless it is a positive integer or `None`."""
    if long_side is None:
        return
    if isinstance(long_side, bool) or not isinstance(long_side, int) or long_side < 1:
        raise ValueError(
            "`long_side` must be a positive integer, or None for images of their own "
            f"size. Received: long_side={long_side!r}."
        )


def check_temperature(temperature):
    """Raises `ValueError` unless it is positive."""
    if temperature <= 0:
        raise ValueError(
            f"`temperature` must be positive. Received: temperature={temperature}."
        )
