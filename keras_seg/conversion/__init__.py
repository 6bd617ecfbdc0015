"""Published checkpoints into keras_seg layers and models."""

from keras_seg.conversion.cpt_head import cpt_head_names, load_cpt_head
from keras_seg.conversion.ecenet_head import ecenet_head_names, load_ecenet_head

__all__ = [
    "cpt_head_names",
    "ecenet_head_names",
    "load_cpt_head",
    "load_ecenet_head",
]
