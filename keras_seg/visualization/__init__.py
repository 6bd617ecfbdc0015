"""Pictures of labels, regions and similarities."""

from keras_seg.data.palette import default_palette
from keras_seg.visualization.label_png import label_png
from keras_seg.visualization.legend import add_legend
from keras_seg.visualization.overlay import draw_overlay
from keras_seg.visualization.regions import draw_regions
from keras_seg.visualization.similarity import draw_similarity

__all__ = [
    "add_legend",
    "default_palette",
    "draw_overlay",
    "draw_regions",
    "draw_similarity",
    "label_png",
]
