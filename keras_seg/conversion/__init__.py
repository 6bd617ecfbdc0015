"""Published checkpoints into keras_seg layers and models."""

from keras_seg.conversion.ecenet_head import ecenet_head_names, load_ecenet_head

__all__ = ["ecenet_head_names", "load_ecenet_head"]
