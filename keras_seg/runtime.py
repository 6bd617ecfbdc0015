"""Exported models. The package `keras_seg_runtime` is the same, without Keras."""

from keras_seg_runtime import (
    ExportedModel,
    as_rgb,
    coco_annotations,
    draw_overlay,
    label_png,
    load,
    segment,
)

__all__ = [
    "ExportedModel",
    "as_rgb",
    "coco_annotations",
    "draw_overlay",
    "label_png",
    "load",
    "segment",
]
