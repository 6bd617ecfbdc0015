"""From images to label maps, and from label maps to pictures."""

from keras_seg.inference.as_rgb import as_rgb
from keras_seg.inference.default_palette import default_palette
from keras_seg.inference.draw_overlay import draw_overlay
from keras_seg.inference.draw_regions import draw_regions
from keras_seg.inference.draw_similarity import draw_similarity
from keras_seg.inference.evaluate import evaluate
from keras_seg.inference.label_png import label_png
from keras_seg.inference.protocol import Protocol
from keras_seg.inference.region_report import region_report
from keras_seg.inference.segment import segment
from keras_seg.inference.segment_by_protocol import segment_by_protocol

__all__ = [
    "Protocol",
    "as_rgb",
    "default_palette",
    "draw_overlay",
    "draw_similarity",
    "draw_regions",
    "evaluate",
    "label_png",
    "region_report",
    "segment",
    "segment_by_protocol",
]
