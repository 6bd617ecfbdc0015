"""Backbones: networks that give features at several strides."""

from keras_seg.backbones.applications_backbone import ApplicationsBackbone
from keras_seg.backbones.dilated_resnet_backbone import DilatedResNetBackbone
from keras_seg.backbones.mit_backbone import MiTBackbone
from keras_seg.backbones.swin import (
    PatchEmbedding,
    PatchMerging,
    SwinBackbone,
    SwinBlock,
    WindowAttention,
)

__all__ = [
    "ApplicationsBackbone",
    "DilatedResNetBackbone",
    "MiTBackbone",
    "PatchEmbedding",
    "PatchMerging",
    "SwinBackbone",
    "SwinBlock",
    "WindowAttention",
]
