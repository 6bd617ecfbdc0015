"""Published checkpoints into keras_seg layers and models."""

from keras_seg.conversion.convert_checkpoint import convert_checkpoint
from keras_seg.conversion.cpt_head import cpt_head_names, load_cpt_head
from keras_seg.conversion.ecenet_head import ecenet_head_names, load_ecenet_head
from keras_seg.conversion.load_published import load_published
from keras_seg.conversion.read_checkpoint import read_checkpoint

__all__ = [
    "convert_checkpoint",
    "cpt_head_names",
    "ecenet_head_names",
    "load_cpt_head",
    "load_ecenet_head",
    "load_published",
    "read_checkpoint",
]
