"""A backbone by name, with the layer that prepares images for it."""

import pathlib

import keras
import keras_hub
from copy_with import copy_with

from keras_seg import models
from keras_seg.models import ApplicationsBackbone

# Without the 1280 channels that only the ImageNet classifier needs.
PYRAMID_LAYERS = {
    "MobileNetV2": {
        "P2": "block_3_expand_relu",
        "P3": "block_6_expand_relu",
        "P4": "block_13_expand_relu",
        "P5": "block_16_project_BN",
    }
}


def build_backbone(name, weights=None, output_stride=None):
    """Makes a network of keras.applications or loads a preset of keras-hub.

    Args:
        name: String, such as `"MobileNetV2"`, `"resnet_50_imagenet"` or the path of a
            saved preset.
        weights: `None`, `"imagenet"`, the path of a weights file, or the folder of a
            saved preset, whose backbone it then is, with that preset's training.
        output_stride: See `ApplicationsBackbone`. The last level then holds the last
            stage of the network, and is the only one.

    Returns:
        The backbone, and a layer from images in 0..255 to what it was trained with.
    """
    trained = None
    if weights and pathlib.Path(weights).is_dir():
        trained, weights = models.load_model(weights).backbone, None
    if hasattr(keras.applications, name):
        layers = PYRAMID_LAYERS.get(name)
        if layers and output_stride:
            layers = {f"P{output_stride.bit_length() - 1}": layers[max(layers)]}
        backbone = ApplicationsBackbone(
            name, pyramid_layers=layers, weights=weights, output_stride=output_stride
        )
        scale, offset = backbone.image_scaling
    else:
        if output_stride:
            raise ValueError(
                "Only networks of keras.applications can be dilated. Received: "
                f"{name}, output_stride={output_stride}."
            )
        backbone = keras_hub.models.Backbone.from_preset(name)
        if weights:
            backbone.load_weights(weights)
        # Not the converter itself: that would also resize.
        converter = keras_hub.layers.ImageConverter.from_preset(name)
        scale = 1.0 if converter.scale is None else converter.scale
        offset = 0.0 if converter.offset is None else converter.offset
    if trained:
        backbone.set_weights(trained.get_weights())
    return backbone, keras.layers.Rescaling(scale, offset, name="preprocessor")


def set_drop_path(backbone, rate):
    """A copy of a backbone, with its weights, that drops its paths at another rate.

    Args:
        backbone: Backbone of keras-hub or of keras_seg.
        rate: Float, of the last block.

    Raises:
        ValueError: If it has no paths to drop.
    """
    names = {"drop_path", "drop_path_rate", "max_drop_path_rate"}
    names &= backbone.get_config().keys()
    if not names:
        raise ValueError(
            f"{type(backbone).__name__} has no paths to drop. Leave --drop-path out."
        )
    return copy_with(backbone, **{names.pop(): rate})
