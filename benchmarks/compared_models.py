"""The models that `step_and_segment.py` compares, without weights."""

import keras_seg
from keras_seg_cli import benchmark_models

PYRAMID = {
    "P2": "block_3_expand_relu",
    "P3": "block_6_expand_relu",
    "P4": "block_13_expand_relu",
    "P5": "block_16_project_BN",
}
DILATED = {"pyramid_layers": {"P4": "block_16_project_BN"}, "output_stride": 16}
OURS = {
    "ECENet": {"model": keras_seg.ECENet, "backbone": {"pyramid_layers": PYRAMID}},
    "CPT": {"model": keras_seg.CPT, "backbone": {"pyramid_layers": PYRAMID}},
    "SGR": {"model": keras_seg.SGR, "backbone": DILATED},
}


PEERS = {"SegFormer-B0": "segformer_b0", "DeepLabV3+": "deeplab_v3_plus"}


def size_for(name, height, width):
    """The nearest size that a model takes, `(height, width)`."""
    return benchmark_models.size_for(PEERS.get(name, name), height, width)


def build_model(name, num_classes, size):
    """A compiled model from images in 0..255 to logits."""
    if "/" in name:
        return keras_seg.models.load_model(name, load_weights=False)
    family = name.split(",")[0]
    if family in OURS:
        # As keras_seg.training builds it.
        backbone = keras_seg.backbones.ApplicationsBackbone(
            "MobileNetV2", **OURS[family]["backbone"]
        )
        cheaper = {"fusion": "coarse", "mlp_ratio": 2} if "coarse" in name else {}
        return OURS[family]["model"](
            backbone,
            num_classes,
            hidden_dim=64,
            input_scale=float(name.split()[-1]),
            freeze_backbone_norm=True,
            **cheaper,
        )
    return benchmark_models.peer(PEERS[name], num_classes, size)
