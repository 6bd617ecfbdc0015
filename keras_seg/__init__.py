"""Semantic segmentation with explicit class representations, in Keras 3."""

from keras_seg import conversion, layers, losses, metrics, models, optimizers
from keras_seg.models.ecenet import ECENet

__version__ = "0.1.0"

__all__ = [
    "ECENet",
    "conversion",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
]
