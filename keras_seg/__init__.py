"""Semantic segmentation with explicit class representations, in Keras 3."""

from keras_seg import conversion, layers

__version__ = "0.1.0"

__all__ = ["conversion", "layers"]
