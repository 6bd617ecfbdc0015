"""Normalisation with the constants that the published heads use."""

import keras


def batch_norm(name, **kwargs):
    """BatchNormalization with epsilon 1e-5 and momentum 0.9."""
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=name, **kwargs
    )


def layer_norm(name, epsilon=1e-5, **kwargs):
    """LayerNormalization over channels."""
    return keras.layers.LayerNormalization(epsilon=epsilon, name=name, **kwargs)
