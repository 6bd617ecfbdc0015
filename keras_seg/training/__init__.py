"""Training runs that can be killed and resumed, with their files and results."""

from keras_seg.training.build_backbone import build_backbone
from keras_seg.training.calibrate import calibrate, calibrate_preset
from keras_seg.training.config_file import list_recipes, read_recipe
from keras_seg.training.copy_with import copy_with
from keras_seg.training.devices import Devices
from keras_seg.training.distill import distill
from keras_seg.training.freeze_features import freeze_features
from keras_seg.training.keep_known_classes import keep_known_classes
from keras_seg.training.make_optimizer import make_optimizer
from keras_seg.training.run_error import RunError
from keras_seg.training.run_folder import RunFolder
from keras_seg.training.train import train, train_from_settings

__all__ = [
    "Devices",
    "RunError",
    "RunFolder",
    "build_backbone",
    "calibrate",
    "calibrate_preset",
    "copy_with",
    "distill",
    "freeze_features",
    "keep_known_classes",
    "list_recipes",
    "make_optimizer",
    "read_recipe",
    "train",
    "train_from_settings",
]
