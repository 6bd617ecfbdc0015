"""Exported models without Keras, and all that works on images and labels alone.

This package needs NumPy and Pillow, and to run an exported file the runtime of its
format. It is also `keras_seg.runtime`; as a package of its own it does not import
Keras, which takes seconds and which `import keras_seg` does.
"""

from keras_seg_runtime.exported.exported_model import ExportedModel
from keras_seg_runtime.exported.load import load
from keras_seg_runtime.geotiff.segment_geotiff import segment_geotiff
from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.labels.coco import coco_annotations
from keras_seg_runtime.labels.segment import segment
from keras_seg_runtime.pictures.label_png import label_png
from keras_seg_runtime.pictures.overlay import draw_overlay
from keras_seg_runtime.polygons.coco import coco_polygons
from keras_seg_runtime.polygons.cvat import CvatImages
from keras_seg_runtime.polygons.label_polygons import label_polygons
from keras_seg_runtime.polygons.labelme import labelme_content
from keras_seg_runtime.video.segment_video import segment_video

__all__ = [
    "CvatImages",
    "ExportedModel",
    "as_rgb",
    "coco_annotations",
    "coco_polygons",
    "draw_overlay",
    "label_png",
    "label_polygons",
    "labelme_content",
    "load",
    "segment",
    "segment_geotiff",
    "segment_video",
]
