"""The layers of ECENet."""

from keras_seg.layers.ecenet.class_extraction import ClassExtraction
from keras_seg.layers.ecenet.ecenet_head import ECENetHead
from keras_seg.layers.ecenet.feature_reconstruction import FeatureReconstruction
from keras_seg.layers.ecenet.gated_class_updater import GatedClassUpdater
from keras_seg.layers.ecenet.ghost_upsampling import GhostUpsampling

__all__ = [
    "ClassExtraction",
    "ECENetHead",
    "FeatureReconstruction",
    "GatedClassUpdater",
    "GhostUpsampling",
]
