"""Sources of labelled images, checks, augmentation and batches."""

from keras_seg.data.batches import (
    PhotometricDistortion,
    TrainAugmentation,
    evaluation_dataset,
    training_dataset,
)
from keras_seg.data.checks import DatasetReport, check_dataset
from keras_seg.data.component_labels import connected_components, pack_components
from keras_seg.data.corruptions import CorruptedSource, corrupt_image
from keras_seg.data.files import as_rgb, read_image, read_mask
from keras_seg.data.palette import default_palette
from keras_seg.data.pseudo_labels import labels_from_scores, write_pseudo_labels
from keras_seg.data.sources import (
    ADE20K,
    CachedSource,
    CamVid,
    Cityscapes,
    COCOStuff10K,
    PascalContext,
    RepeatedSource,
    ResizedSource,
    SegmentationFolder,
    SubsetSource,
    TFDSSource,
    load_source,
)

__all__ = [
    "ADE20K",
    "COCOStuff10K",
    "CachedSource",
    "CamVid",
    "Cityscapes",
    "CorruptedSource",
    "DatasetReport",
    "PascalContext",
    "PhotometricDistortion",
    "RepeatedSource",
    "ResizedSource",
    "SegmentationFolder",
    "SubsetSource",
    "TFDSSource",
    "TrainAugmentation",
    "as_rgb",
    "check_dataset",
    "connected_components",
    "corrupt_image",
    "default_palette",
    "evaluation_dataset",
    "labels_from_scores",
    "load_source",
    "pack_components",
    "read_image",
    "read_mask",
    "training_dataset",
    "write_pseudo_labels",
]
