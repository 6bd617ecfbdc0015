"""The layers of SGR."""

from keras_seg.layers.sgr.latent_region_reasoner import LatentRegionReasoner
from keras_seg.layers.sgr.sgr_head import SGRHead

__all__ = [
    "LatentRegionReasoner",
    "SGRHead",
]
