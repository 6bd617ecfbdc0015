"""An ECENet small enough to build and save in a moment."""

import keras
import keras_hub
import numpy as np

import keras_seg


def tiny_backbone(**kwargs):
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        **kwargs,
    )


def tiny_ecenet(num_classes=3, **kwargs):
    """With weights, biases and statistics that no new model has."""
    model = keras_seg.ECENet(
        tiny_backbone(), num_classes=num_classes, hidden_dim=8, num_heads=2, **kwargs
    )
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(weight + rng.uniform(0.01, 0.1, weight.shape))
    return model


def weights_of(model):
    return {w.path: keras.ops.convert_to_numpy(w) for w in model.weights}


def images(size=32):
    return np.random.default_rng(1).integers(0, 256, (1, size, size, 3), "uint8")


def logits_of(model):
    return model.predict_on_batch(images())
