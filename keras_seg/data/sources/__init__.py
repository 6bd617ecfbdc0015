"""Sources of pairs of images and labels."""

from keras_seg.data.sources.ade20k import ADE20K
from keras_seg.data.sources.camvid import CamVid
from keras_seg.data.sources.cityscapes import Cityscapes
from keras_seg.data.sources.coco_stuff import COCOStuff10K
from keras_seg.data.sources.derived_sources import (
    CachedSource,
    RepeatedSource,
    ResizedSource,
    SubsetSource,
)
from keras_seg.data.sources.load_source import load_source
from keras_seg.data.sources.pascal_context import PascalContext
from keras_seg.data.sources.segmentation_folder import SegmentationFolder
from keras_seg.data.sources.tfds_source import TFDSSource

__all__ = [
    "ADE20K",
    "COCOStuff10K",
    "CachedSource",
    "CamVid",
    "Cityscapes",
    "PascalContext",
    "RepeatedSource",
    "ResizedSource",
    "SegmentationFolder",
    "SubsetSource",
    "TFDSSource",
    "load_source",
]
