"""Pictures of labels, regions and similarities."""

from keras_seg.data.palette import default_palette
from keras_seg.visualization.regions import draw_regions
from keras_seg.visualization.similarity import draw_similarity
from keras_seg_runtime.pictures.label_png import label_png
from keras_seg_runtime.pictures.legend import add_legend
from keras_seg_runtime.pictures.overlay import draw_overlay

__all__ = [
    "add_legend",
    "default_palette",
    "draw_overlay",
    "draw_regions",
    "draw_similarity",
    "label_png",
]
