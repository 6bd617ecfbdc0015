"""The published ideas as Keras layers: they know tensors, not models."""

from keras_seg.layers.adaptive_average_pool import adaptive_average_pool
from keras_seg.layers.atrous_spatial_pyramid_pooling import (
    AtrousSpatialPyramidPooling,
)
from keras_seg.layers.category_prototypes import CategoryPrototypes
from keras_seg.layers.class_extraction import ClassExtraction
from keras_seg.layers.cpt_head import CPTHead
from keras_seg.layers.ecenet_head import ECENetHead
from keras_seg.layers.enlarge import Enlarge
from keras_seg.layers.feature_reconstruction import FeatureReconstruction
from keras_seg.layers.gated_class_updater import GatedClassUpdater
from keras_seg.layers.ghost_upsampling import GhostUpsampling
from keras_seg.layers.grouped_dense import GroupedDense
from keras_seg.layers.image_pool import ImagePool
from keras_seg.layers.latent_region_reasoner import LatentRegionReasoner
from keras_seg.layers.patch_embedding import PatchEmbedding
from keras_seg.layers.patch_merging import PatchMerging
from keras_seg.layers.prototype_memory import PrototypeMemory
from keras_seg.layers.query_update import QueryUpdate
from keras_seg.layers.resize import resize_bilinear, resize_nearest
from keras_seg.layers.resize_to_match import ResizeToMatch
from keras_seg.layers.semantics_attention import SemanticsAttention
from keras_seg.layers.sgr_head import SGRHead
from keras_seg.layers.spread_classes import SpreadClasses
from keras_seg.layers.swin_block import SwinBlock
from keras_seg.layers.window_attention import WindowAttention

__all__ = [
    "CPTHead",
    "CategoryPrototypes",
    "AtrousSpatialPyramidPooling",
    "ClassExtraction",
    "ECENetHead",
    "Enlarge",
    "FeatureReconstruction",
    "GatedClassUpdater",
    "GhostUpsampling",
    "GroupedDense",
    "ImagePool",
    "PatchEmbedding",
    "PatchMerging",
    "PrototypeMemory",
    "QueryUpdate",
    "LatentRegionReasoner",
    "ResizeToMatch",
    "SGRHead",
    "SemanticsAttention",
    "SpreadClasses",
    "SwinBlock",
    "WindowAttention",
    "adaptive_average_pool",
    "resize_bilinear",
    "resize_nearest",
]
