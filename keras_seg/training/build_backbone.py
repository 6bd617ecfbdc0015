"""A backbone by name, with the layer that scales images for it."""

import pathlib

import keras
import keras_hub

from keras_seg.backbones import ApplicationsBackbone, ESPNetV2Backbone
from keras_seg.models import load_model
from keras_seg.presets import keras_hub_presets, preset_files
from keras_seg.training.copy_with import copy_with

OUR_NETWORKS = {"ESPNetV2": ESPNetV2Backbone}
# Without the 1280 channels that only the ImageNet classifier needs.
PYRAMID_LAYERS = {
    "MobileNetV2": {
        "P2": "block_3_expand_relu",
        "P3": "block_6_expand_relu",
        "P4": "block_13_expand_relu",
        "P5": "block_16_project_BN",
    }
}


def build_backbone(name, weights=None, output_stride=None) -> tuple:
    """Makes a network by its name, or loads a preset of keras-hub.

    Args:
        name: String: a network of `keras.applications`, such as `"MobileNetV2"`;
            `"ESPNetV2"`; a preset of keras-hub, such as `"resnet_50_imagenet"`; or the
            folder of a saved backbone.
        weights: `None`, `"imagenet"` for a network of `keras.applications`, the path of
            a weights file, or the folder of a saved backbone or model, whose backbone
            weights are taken; for `"ESPNetV2"` also its configuration, such as its
            decoder.
        output_stride: Integer, see `keras_seg.backbones.ApplicationsBackbone`. The
            last level then holds the last stage of the network, and is the only one.

    Returns:
        The backbone, and a layer that scales images in 0..255 to what the backbone was
        trained with.

    Raises:
        ValueError: If there is no such file, or `output_stride` or `weights="imagenet"`
            is given for another network than one of `keras.applications`.

    Example:

    ```python
    from keras_seg.training import build_backbone

    backbone, preprocessor = build_backbone("MobileNetV2", output_stride=16)
    print(list(backbone.pyramid_outputs))  # ['P4']
    ```
    """
    trained = None
    if weights and pathlib.Path(weights).is_dir():
        trained, weights = _saved_backbone(weights), None
    elif weights and weights != "imagenet" and not pathlib.Path(weights).exists():
        raise ValueError(
            f"There is no file or folder '{weights}' with weights of {name}."
        )
    if hasattr(keras.applications, name):
        layers = PYRAMID_LAYERS.get(name)
        if layers and output_stride:
            layers = {f"P{output_stride.bit_length() - 1}": layers[max(layers)]}
        backbone = ApplicationsBackbone(
            name, pyramid_layers=layers, weights=weights, output_stride=output_stride
        )
    else:
        _check_other_network(name, weights, output_stride)
        if name in OUR_NETWORKS:
            if isinstance(trained, OUR_NETWORKS[name]):
                backbone, trained = trained, None
            else:
                backbone = OUR_NETWORKS[name]()
        else:
            backbone = keras_hub.models.Backbone.from_preset(name)
        if weights:
            backbone.load_weights(weights)
    if trained:
        backbone.set_weights(trained.get_weights())
    scale, offset = _scaling(name, backbone)
    return backbone, keras.layers.Rescaling(scale, offset, name="preprocessor")


def is_untrained(name, weights):
    """Whether `build_backbone` draws the weights of a network at random."""
    return (hasattr(keras.applications, name) or name in OUR_NETWORKS) and not weights


def _saved_backbone(folder):
    if pathlib.Path(folder, preset_files.TASK).exists():
        return load_model(folder).backbone
    return keras_hub_presets.load_backbone(str(folder), load_weights=True)[0]


def _check_other_network(name, weights, output_stride):
    if output_stride:
        raise ValueError(
            "Only networks of keras.applications can be dilated. Received: "
            f"{name}, output_stride={output_stride}."
        )
    if weights == "imagenet":
        raise ValueError(
            f"Only networks of keras.applications have weights='imagenet'. Received: "
            f"{name}. Give a file or a folder, or weights='' for those of a preset."
        )


def _scaling(name, backbone):
    """Scale and offset of images in 0..255."""
    if hasattr(backbone, "image_scaling"):  # ours, which need no converter
        return backbone.image_scaling
    # Not the converter itself: that would also resize.
    converter = keras_hub.layers.ImageConverter.from_preset(name)
    scale = 1.0 if converter.scale is None else converter.scale
    return scale, 0.0 if converter.offset is None else converter.offset


def set_drop_path(backbone, rate):
    """A copy of a backbone, with its weights, with another rate of stochastic depth.

    Args:
        backbone: Backbone of keras-hub or of keras_seg.
        rate: Float, the rate of the last block.

    Returns:
        The copy.

    Raises:
        ValueError: If the backbone has no stochastic depth.
    """
    names = {"drop_path", "drop_path_rate", "max_drop_path_rate"}
    names &= backbone.get_config().keys()
    if not names:
        raise ValueError(
            f"{type(backbone).__name__} has no paths to drop. Leave --drop-path out."
        )
    return copy_with(backbone, **{names.pop(): rate})
