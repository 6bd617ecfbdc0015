"""Backbones: networks with feature maps of several strides as outputs."""

from keras_seg.backbones.applications_backbone import ApplicationsBackbone
from keras_seg.backbones.dilated_resnet_backbone import DilatedResNetBackbone
from keras_seg.backbones.espnetv2_backbone import ESPNetV2Backbone
from keras_seg.backbones.mit_backbone import MiTBackbone
from keras_seg.backbones.swin.patches import PatchEmbedding, PatchMerging
from keras_seg.backbones.swin.swin_backbone import SwinBackbone
from keras_seg.backbones.swin.swin_block import SwinBlock
from keras_seg.backbones.swin.window_attention import WindowAttention

__all__ = [
    "ApplicationsBackbone",
    "DilatedResNetBackbone",
    "ESPNetV2Backbone",
    "MiTBackbone",
    "PatchEmbedding",
    "PatchMerging",
    "SwinBackbone",
    "SwinBlock",
    "WindowAttention",
]
