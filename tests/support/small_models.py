"""The models and inputs whose numbers all backends must share."""

import numpy as np
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone

import keras_seg


def mobilenet(**kwargs):
    return keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35, **kwargs)


# One file of expected numbers for each family.
BUILDERS = {
    "ecenet": {
        "tiny": lambda: keras_seg.ECENet(
            TinyBackbone(), 5, hidden_dim=8, input_scale=1.5, query_activation="relu"
        ),
        "mobilenet": lambda: keras_seg.ECENet(mobilenet(), 5, hidden_dim=8),
    },
    "cpt": {
        "tiny": lambda: keras_seg.CPT(
            TinyBackbone(), 5, hidden_dim=8, input_scale=1.5, pool_dim=4
        ),
        "pixels": lambda: keras_seg.CPT(
            TinyBackbone(), 5, hidden_dim=8, source="pixels"
        ),
        "stride_32": lambda: keras_seg.CPT(
            TinyBackbone(), 5, hidden_dim=8, pyramid_levels=["P5"]
        ),
        "mobilenet": lambda: keras_seg.CPT(mobilenet(), 5, hidden_dim=8),
    },
    "sgr": {
        "tiny": lambda: keras_seg.SGR(
            TinyBackbone(), 5, hidden_dim=8, input_scale=1.5, dilation_rates=[1, 2]
        ),
        "plain": lambda: keras_seg.SGR(
            mobilenet(output_stride=8), 5, hidden_dim=8, reasoner=False
        ),
        "ecenet": lambda: keras_seg.ECENet(
            TinyBackbone(), 5, hidden_dim=8, reasoner={"num_regions": 6, "depth": 1}
        ),
        "cpt": lambda: keras_seg.CPT(
            TinyBackbone(), 5, hidden_dim=8, reasoner={"num_regions": 6, "depth": 1}
        ),
        "mobilenet": lambda: keras_seg.SGR(
            mobilenet(output_stride=16), 5, hidden_dim=8, dilation_rates=[1, 2]
        ),
    },
}


def small_model(family, name):
    model = BUILDERS[family][name]()
    # Part by part: backends differ in the order of the parts of a model.
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


def small_images():
    return np.random.default_rng(0).integers(0, 256, (2, 33, 40, 3), dtype="uint8")
