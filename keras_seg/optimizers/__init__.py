"""Optimizers for models with a pretrained backbone, and learning rate schedules."""

from keras_seg.optimizers.layer_decay_multipliers import layer_decay_multipliers
from keras_seg.optimizers.multiplier_adamw import MultiplierAdamW
from keras_seg.optimizers.polynomial_decay import PolynomialDecay

__all__ = ["MultiplierAdamW", "PolynomialDecay", "layer_decay_multipliers"]
