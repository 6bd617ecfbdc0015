"""One entry for each model: how it is made, and with what it is trained.

`test_models.py` checks what holds for every model; the files of the models check the
rest. A new model needs one entry here.
"""

import dataclasses

import numpy as np
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone

import keras_seg

NUM_CLASSES = 3
VOID = 255


@dataclasses.dataclass
class ModelCase:
    make: object  # called with further arguments of the model
    losses: tuple  # auxiliary losses that training reports
    untrained: tuple = ()  # ends of the paths of weights without gradient


def _region_options():
    return {"reasoner": {"num_regions": 5, "depth": 1}, "max_components": 6}


def _make(model_class, levels, **defaults):
    def make(dtype=None, **kwargs):
        backbone = TinyBackbone(levels, dtype=dtype)
        options = {"hidden_dim": 8, "dropout": 0.0, **defaults, **kwargs}
        return model_class(backbone, NUM_CLASSES, **options)

    return make


MASKS = ("mask_loss", "dice_loss")
REGIONS = ("region_loss", "disjointness_loss", "token_loss")
# What a normalisation or softmax takes away again has no gradient; see layer_cases.py.
NO_GRADIENT = ("diverse/bias", "key/bias", "encoder_0/feedforward_output_dense/bias")

MODEL_CASES = {
    "ECENet": ModelCase(
        _make(
            keras_seg.ECENet, 2, num_heads=2, query_activation="relu", input_scale=1.5
        ),
        (*MASKS, "diversity_loss"),
        NO_GRADIENT,
    ),
    "ECENet, reasoner": ModelCase(
        _make(keras_seg.ECENet, 2, num_heads=2, gated=False, **_region_options()),
        (*MASKS, "diversity_loss", *REGIONS),
        NO_GRADIENT,
    ),
    "ECENet, separable": ModelCase(
        _make(keras_seg.ECENet, 2, num_heads=2, fusion="separable", mlp_ratio=2),
        (*MASKS, "diversity_loss"),
        NO_GRADIENT,
    ),
    "ECENet, coarse": ModelCase(
        _make(keras_seg.ECENet, 3, num_heads=2, fusion="coarse", mlp_ratio=1),
        (*MASKS, "diversity_loss"),
        NO_GRADIENT,
    ),
    "CPT": ModelCase(
        _make(
            keras_seg.CPT,
            2,
            num_heads=2,
            pool_dim=4,
            memory_momentum=0.2,
            input_scale=1.5,
        ),
        MASKS,
        NO_GRADIENT,
    ),
    "SGR": ModelCase(
        _make(keras_seg.SGR, 3, dilation_rates=[1, 2], **_region_options()),
        REGIONS,
        NO_GRADIENT,
    ),
}


def random_model(name, **kwargs):
    """The model of an entry, with the same random weights on every backend."""
    model = MODEL_CASES[name].make(**kwargs)
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


def scene(batch=2, size=32):
    """Coloured rectangles on a dark ground, with a stripe of void."""
    rng = np.random.default_rng(0)
    labels = np.zeros((batch, size, size), "uint8")
    labels[0, : size // 2, 8:] = labels[1:, :, size // 2 :] = 1
    labels[:, size - 12 : size - 4, 4:20] = 2
    colours = np.array([[40, 40, 60], [200, 60, 50], [70, 180, 90]])
    images = colours[labels] + rng.normal(0, 8, (batch, size, size, 3))
    labels[:, :, -3:] = VOID
    return np.clip(images, 0, 255).astype("uint8"), labels
