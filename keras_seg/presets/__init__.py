"""Trained models by name: shipped with the package, saved in a folder, or on a hub."""

from keras_seg.presets.list_presets import list_presets
from keras_seg.presets.load_model import load_model

__all__ = ["list_presets", "load_model"]
