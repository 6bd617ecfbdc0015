"""Optimizers for networks with a pretrained part."""

from keras_seg.optimizers.multiplier_adamw import MultiplierAdamW

__all__ = ["MultiplierAdamW"]
