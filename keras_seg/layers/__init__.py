"""Layers of the three methods and the blocks that they share."""

from keras_seg.layers.atrous_spatial_pyramid_pooling import AtrousSpatialPyramidPooling
from keras_seg.layers.cpt.category_prototypes import CategoryPrototypes
from keras_seg.layers.cpt.cpt_head import CPTHead
from keras_seg.layers.cpt.prototype_memory import PrototypeMemory
from keras_seg.layers.cpt.query_update import QueryUpdate
from keras_seg.layers.ecenet.class_extraction import ClassExtraction
from keras_seg.layers.ecenet.ecenet_head import ECENetHead
from keras_seg.layers.ecenet.feature_reconstruction import FeatureReconstruction
from keras_seg.layers.ecenet.gated_class_updater import GatedClassUpdater
from keras_seg.layers.ecenet.ghost_upsampling import GhostUpsampling
from keras_seg.layers.grouped_conv import ChannelShuffle, GroupedConv2D
from keras_seg.layers.grouped_dense import GroupedDense
from keras_seg.layers.pooling import ImagePool, adaptive_average_pool
from keras_seg.layers.resizing import (
    ResizeToMatch,
    ResizeToMultiple,
    resize_bilinear,
    resize_nearest,
)
from keras_seg.layers.scaled_depthwise_conv import ScaledDepthwiseConv2D
from keras_seg.layers.scatter_classes import ScatterClasses
from keras_seg.layers.semantics_attention import SemanticsAttention
from keras_seg.layers.sgr.latent_region_reasoner import LatentRegionReasoner
from keras_seg.layers.sgr.sgr_head import SGRHead

__all__ = [
    "AtrousSpatialPyramidPooling",
    "CPTHead",
    "CategoryPrototypes",
    "ChannelShuffle",
    "ClassExtraction",
    "ECENetHead",
    "FeatureReconstruction",
    "GatedClassUpdater",
    "GhostUpsampling",
    "GroupedConv2D",
    "GroupedDense",
    "ImagePool",
    "LatentRegionReasoner",
    "PrototypeMemory",
    "QueryUpdate",
    "ResizeToMatch",
    "ResizeToMultiple",
    "SGRHead",
    "ScaledDepthwiseConv2D",
    "ScatterClasses",
    "SemanticsAttention",
    "adaptive_average_pool",
    "resize_bilinear",
    "resize_nearest",
]
