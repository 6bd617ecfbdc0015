"""What is compared: our methods, decoders of others, and ours without a part."""

import keras
from keras import ops
from peers import PACKAGE, PeerModel

import keras_seg
from keras_seg.training.build_backbone import build_backbone, is_untrained


@keras.saving.register_keras_serializable(package=PACKAGE)
class NoReconstruction(keras.layers.Layer):
    """In place of `FeatureReconstruction`: the features as they are."""

    diversity_channels = 1

    def call(self, inputs, training=None, return_diversity=False):
        if not return_diversity:
            return inputs
        return inputs, ops.zeros_like(inputs[:, :, 0, 0], "float32")

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


@keras.saving.register_keras_serializable(package=PACKAGE)
class ECENetHeadWithoutFR(keras_seg.layers.ECENetHead):
    masks_padding = True
    reconstruction_class = NoReconstruction


@keras.saving.register_keras_serializable(package=PACKAGE)
class ECENetWithoutFR(keras_seg.ECENet):
    """ECENet without feature reconstruction, and so without diversity loss."""

    head_class = ECENetHeadWithoutFR
    default_auxiliary_weights = {"mask": 5.0, "dice": 2.0, "diversity": 0.0}


def _weights(**weights):
    return {"auxiliary_weights": weights}


# Name: class, arguments that differ from its defaults, what the row of the table says,
# and the entry that it is compared with.
ENTRIES = {
    "ecenet": (keras_seg.ECENet, {}, "ECENet", "fpn"),
    "ecenet-real-time": (
        keras_seg.ECENet,
        {"fusion": "coarse", "mlp_ratio": 2},
        "ECENet, cheaper head",
        "fpn",
    ),
    "cpt": (keras_seg.CPT, {}, "CPT", "fpn"),
    "sgr": (keras_seg.SGR, {}, "SGR", "fpn"),
    "ecenet-reasoner": (
        keras_seg.ECENet,
        {"reasoner": True},
        "ECENet with the reasoner",
        "ecenet",
    ),
    "fpn": (PeerModel, {"decoder": "fpn"}, "plain FPN", None),
    "segformer": (PeerModel, {"decoder": "segformer"}, "SegFormer's decoder", "fpn"),
    "deeplabv3plus": (
        PeerModel,
        {"decoder": "deeplabv3plus"},
        "DeepLabV3+ (keras-hub)",
        "fpn",
    ),
    "ecenet-no-fr": (ECENetWithoutFR, {}, "ECENet, FR off", "ecenet"),
    "ecenet-plus": (
        keras_seg.ECENet,
        {"gated": False},
        "ECENet, plus in place of the gate",
        "ecenet",
    ),
    "ecenet-no-diversity": (
        keras_seg.ECENet,
        _weights(diversity=0.0),
        "ECENet, no diversity loss",
        "ecenet",
    ),
    "ecenet-no-mask": (
        keras_seg.ECENet,
        _weights(mask=0.0, dice=0.0),
        "ECENet, no mask losses",
        "ecenet",
    ),
    "cpt-no-memory": (
        keras_seg.CPT,
        {"source": "prototypes"},
        "CPT, memory off",
        "cpt",
    ),
    "cpt-no-prototypes": (
        keras_seg.CPT,
        {"source": "pixels"},
        "CPT, prototypes off",
        "cpt",
    ),
    "cpt-bilinear": (
        keras_seg.CPT,
        {"source": "bilinear"},
        "CPT, no query update",
        "cpt",
    ),
    "sgr-no-region-loss": (
        keras_seg.SGR,
        _weights(region=0.0),
        "SGR, region loss off",
        "sgr",
    ),
    "sgr-no-reasoner": (
        keras_seg.SGR,
        {"reasoner": False},
        "SGR, reasoner off",
        "sgr",
    ),
}


def title_of(entry):
    """The text of an entry in tables and plots."""
    return ENTRIES[entry][2]


def build_entry(entry, source, recipe):
    """A model that is not compiled.

    Args:
        entry: String, a key of `ENTRIES`.
        source: Source with `num_classes`, `class_names`, `palette`, `ignore_class`.
        recipe: Dictionary with `backbone`, `backbone_weights`, `hidden_dim`,
            `input_scale`, `pyramid_levels` and `output_stride` (for SGR).

    Returns:
        `keras_seg.models.Segmenter`.

    Raises:
        ValueError: If the entry needs more levels than there are.
    """
    kind, arguments, _, _ = ENTRIES[entry]
    levels = recipe["pyramid_levels"]
    if issubclass(kind, keras_seg.ECENet) and levels is not None and len(levels) < 2:
        raise ValueError(
            f"{entry} updates classes from level to level and needs at least two. "
            f"Received: pyramid_levels={levels}."
        )
    # SGR has one level, of the stride of the recipe, unless levels are given.
    dilated = kind is keras_seg.SGR and levels is None
    backbone, preprocessor = build_backbone(
        recipe["backbone"],
        recipe["backbone_weights"],
        recipe["output_stride"] if dilated else None,
    )
    return kind(
        backbone,
        num_classes=source.num_classes,
        preprocessor=preprocessor,
        hidden_dim=recipe["hidden_dim"],
        pyramid_levels=levels,
        input_scale=recipe["input_scale"],
        freeze_backbone_norm=not is_untrained(
            recipe["backbone"], recipe["backbone_weights"]
        ),
        class_names=list(source.class_names),
        palette=source.palette.tolist(),
        ignore_class=source.ignore_class,
        compile=False,
        **arguments,
    )
