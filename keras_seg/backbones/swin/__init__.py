"""Swin Transformer: the backbone and its layers."""

from keras_seg.backbones.swin.patch_embedding import PatchEmbedding
from keras_seg.backbones.swin.patch_merging import PatchMerging
from keras_seg.backbones.swin.swin_backbone import SwinBackbone
from keras_seg.backbones.swin.swin_block import SwinBlock
from keras_seg.backbones.swin.window_attention import WindowAttention

__all__ = [
    "PatchEmbedding",
    "PatchMerging",
    "SwinBackbone",
    "SwinBlock",
    "WindowAttention",
]
