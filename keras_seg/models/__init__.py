"""Whole networks: a backbone, a head, and how they are trained and used."""

from keras_seg.models.cpt import CPT
from keras_seg.models.ecenet import ECENet
from keras_seg.models.load_model import load_model
from keras_seg.models.segmenter import Segmenter
from keras_seg.models.sgr import SGR

__all__ = [
    "CPT",
    "ECENet",
    "SGR",
    "Segmenter",
    "load_model",
]
