"""Training runs that can be killed and resumed, with their files and results."""

from keras_seg.training.build_backbone import build_backbone
from keras_seg.training.copy_with import copy_with
from keras_seg.training.freeze_features import freeze_features
from keras_seg.training.make_optimizer import make_optimizer
from keras_seg.training.run_error import RunError
from keras_seg.training.run_folder import RunFolder
from keras_seg.training.train import train_from_arguments

__all__ = [
    "RunError",
    "RunFolder",
    "build_backbone",
    "copy_with",
    "freeze_features",
    "make_optimizer",
    "train_from_arguments",
]
