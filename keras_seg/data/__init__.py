"""Data: sources of labelled images, augmentation, batches and checks."""

from keras_seg.data.add_components import add_components
from keras_seg.data.ade20k import ADE20K
from keras_seg.data.cached_source import CachedSource
from keras_seg.data.camvid import CamVid
from keras_seg.data.check_dataset import check_dataset
from keras_seg.data.cityscapes import Cityscapes
from keras_seg.data.coco_stuff import COCOStuff10K
from keras_seg.data.connected_components import connected_components
from keras_seg.data.dataset_report import DatasetReport
from keras_seg.data.evaluation_dataset import evaluation_dataset
from keras_seg.data.open_source import open_source
from keras_seg.data.pascal_context import PascalContext
from keras_seg.data.photometric_distortion import PhotometricDistortion
from keras_seg.data.read_image import read_image
from keras_seg.data.read_mask import read_mask
from keras_seg.data.repeated_source import RepeatedSource
from keras_seg.data.segmentation_folder import SegmentationFolder
from keras_seg.data.teacher_labels import labels_from_scores, write_teacher_labels
from keras_seg.data.tfds_source import TFDSSource
from keras_seg.data.train_augmentation import TrainAugmentation
from keras_seg.data.training_dataset import training_dataset

__all__ = [
    "ADE20K",
    "COCOStuff10K",
    "CachedSource",
    "CamVid",
    "Cityscapes",
    "DatasetReport",
    "PascalContext",
    "PhotometricDistortion",
    "RepeatedSource",
    "SegmentationFolder",
    "TFDSSource",
    "TrainAugmentation",
    "add_components",
    "check_dataset",
    "connected_components",
    "evaluation_dataset",
    "labels_from_scores",
    "open_source",
    "read_image",
    "read_mask",
    "training_dataset",
    "write_teacher_labels",
]
