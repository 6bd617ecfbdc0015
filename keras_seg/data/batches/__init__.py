"""Batches for training and evaluation."""

from keras_seg.data.batches.evaluation_dataset import evaluation_dataset
from keras_seg.data.batches.photometric_distortion import PhotometricDistortion
from keras_seg.data.batches.train_augmentation import TrainAugmentation
from keras_seg.data.batches.training_dataset import training_dataset

__all__ = [
    "PhotometricDistortion",
    "TrainAugmentation",
    "evaluation_dataset",
    "training_dataset",
]
