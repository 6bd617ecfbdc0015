"""Whole networks: a backbone, a head, and how they are trained and used."""

from keras_seg.models.applications_backbone import ApplicationsBackbone
from keras_seg.models.cpt import CPT
from keras_seg.models.dilated_resnet_backbone import DilatedResNetBackbone
from keras_seg.models.ecenet import ECENet
from keras_seg.models.mit_backbone import MiTBackbone
from keras_seg.models.segmenter import Segmenter
from keras_seg.models.sgr import SGR
from keras_seg.models.swin_backbone import SwinBackbone

__all__ = [
    "CPT",
    "SGR",
    "ApplicationsBackbone",
    "DilatedResNetBackbone",
    "ECENet",
    "MiTBackbone",
    "Segmenter",
    "SwinBackbone",
]
