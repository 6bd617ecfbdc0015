"""Pretrained weights of keras-hub for the backbones of the papers' presets."""

import logging

import keras_hub

from keras_seg.backbones.dilated_resnet_backbone import DilatedResNetBackbone
from keras_seg.backbones.swin.swin_backbone import SwinBackbone
from keras_seg.keras_internals.hub_backbones import copy_swin_weights
from keras_seg.presets import keras_hub_presets

PLACES = ("cached", "download", None)


def load_pretrained(backbone, name, place):
    """Loads the weights of a built-in backbone of keras-hub.

    Args:
        backbone: A backbone of the same layers.
        name: Name of the backbone in keras-hub.
        place: String. `"cached"` loads them if keras-hub has fetched them before, and
            does not use the network; `"download"` lets keras-hub fetch them; `None`
            leaves the weights as they are.

    Raises:
        ValueError: If `place` is another value, or they cannot be fetched.
    """
    if place not in PLACES:
        raise ValueError(
            f"`backbone_weights` must be one of {PLACES}. Received: {place!r}"
        )
    if place is None:
        return
    source = name
    if place == "cached":
        folder = keras_hub_presets.cached_folder(name)
        if folder is None:
            logging.getLogger("keras_seg").warning(
                "%s has random weights: '%s' of keras-hub is not on this machine. "
                "backbone_weights='download' fetches it.",
                type(backbone).__name__,
                name,
            )
            return
        source = str(folder)
    try:
        pretrained, _ = keras_hub_presets.load_backbone(
            source, load_weights=True, kinds=(keras_hub.models.Backbone,)
        )
    except Exception as error:  # of whichever client and network library
        raise ValueError(
            f"The backbone '{name}' of keras-hub could not be loaded from {place}: "
            f"{error}. Pass backbone_weights=None for random weights."
        ) from error
    copy_weights(pretrained, backbone)


def copy_weights(source, target):
    """Copies the weights of a backbone of keras-hub.

    Args:
        source: Backbone of keras-hub.
        target: One of the same class, or a `SwinBackbone`, `MiTBackbone` or
            `DilatedResNetBackbone` of the same configuration.
    """
    if isinstance(target, SwinBackbone):
        copy_swin_weights(source, target)
    elif isinstance(target, DilatedResNetBackbone):
        for layer in source.layers:
            if layer.weights:
                target.get_layer(layer.name).set_weights(layer.get_weights())
    else:
        target.set_weights(source.get_weights())
