"""Exported models without Keras, and all that works on images and labels alone.

This package needs NumPy and Pillow, and to run an exported file the runtime of its
format. It is also `keras_seg.runtime`; as a package of its own it does not import
Keras, which takes seconds and which `import keras_seg` does.
"""

from keras_seg_runtime.exported.exported_model import ExportedModel
from keras_seg_runtime.exported.load import load
from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.labels.coco import coco_annotations
from keras_seg_runtime.labels.segment import segment
from keras_seg_runtime.pictures.label_png import label_png
from keras_seg_runtime.pictures.overlay import draw_overlay

__all__ = [
    "ExportedModel",
    "as_rgb",
    "coco_annotations",
    "draw_overlay",
    "label_png",
    "load",
    "segment",
]
