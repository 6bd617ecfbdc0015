"""Published checkpoints into keras_seg layers and models."""

from keras_seg.conversion.convert_checkpoint import convert_checkpoint
from keras_seg.conversion.load_backbone import load_backbone
from keras_seg.conversion.load_published import load_published
from keras_seg.conversion.published_head import head_names, load_head
from keras_seg.conversion.read_checkpoint import read_checkpoint

# Names of version 0.1.0, which had a function for each head.
cpt_head_names = ecenet_head_names = head_names
load_cpt_head = load_ecenet_head = load_head

__all__ = [
    "convert_checkpoint",
    "cpt_head_names",
    "ecenet_head_names",
    "head_names",
    "load_backbone",
    "load_cpt_head",
    "load_ecenet_head",
    "load_head",
    "load_published",
    "read_checkpoint",
]
