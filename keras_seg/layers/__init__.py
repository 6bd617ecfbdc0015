"""Layers of the three methods and the blocks that they share."""

from keras_seg.layers.adaptive_average_pool import adaptive_average_pool
from keras_seg.layers.atrous_spatial_pyramid_pooling import AtrousSpatialPyramidPooling
from keras_seg.layers.cpt import (
    CategoryPrototypes,
    CPTHead,
    PrototypeMemory,
    QueryUpdate,
)
from keras_seg.layers.ecenet import (
    ClassExtraction,
    ECENetHead,
    FeatureReconstruction,
    GatedClassUpdater,
    GhostUpsampling,
)
from keras_seg.layers.grouped_dense import GroupedDense
from keras_seg.layers.image_pool import ImagePool
from keras_seg.layers.resize import resize_bilinear, resize_nearest
from keras_seg.layers.resize_to_match import ResizeToMatch
from keras_seg.layers.resize_to_multiple import ResizeToMultiple
from keras_seg.layers.scatter_classes import ScatterClasses
from keras_seg.layers.semantics_attention import SemanticsAttention
from keras_seg.layers.sgr import LatentRegionReasoner, SGRHead

__all__ = [
    "AtrousSpatialPyramidPooling",
    "CPTHead",
    "CategoryPrototypes",
    "ClassExtraction",
    "ECENetHead",
    "FeatureReconstruction",
    "GatedClassUpdater",
    "GhostUpsampling",
    "GroupedDense",
    "ImagePool",
    "LatentRegionReasoner",
    "PrototypeMemory",
    "QueryUpdate",
    "ResizeToMatch",
    "ResizeToMultiple",
    "SGRHead",
    "ScatterClasses",
    "SemanticsAttention",
    "adaptive_average_pool",
    "resize_bilinear",
    "resize_nearest",
]
