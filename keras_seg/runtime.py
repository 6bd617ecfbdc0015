"""Exported models. The package `keras_seg_runtime` is the same, without Keras."""

from keras_seg_runtime import (
    CvatImages,
    ExportedModel,
    as_rgb,
    coco_annotations,
    coco_polygons,
    draw_overlay,
    label_png,
    label_polygons,
    labelme_content,
    load,
    segment,
    segment_geotiff,
    segment_video,
)

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
