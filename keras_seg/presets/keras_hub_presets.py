"""Presets that keras-hub can reach: its built-in names and its handles."""

import keras_hub

from keras_seg.backbones.mit_backbone import MiTBackbone
from keras_seg.keras_internals import hub_files
from keras_seg.presets import preset_files
from keras_seg.presets.check_config import check_config, registered_class

HANDLES = ("kaggle://", "hf://", "modelscope://")


def built_in_names():
    """The names of the feature pyramid backbones that keras-hub knows."""
    return set(keras_hub.models.FeaturePyramidBackbone.presets)


def is_keras_hub_preset(preset):
    """Whether `preset` is a handle or a built-in name of keras-hub."""
    return preset.startswith(HANDLES) or preset in built_in_names()


def model_folder(preset, root, load_weights):
    """The folder with the files of a model of ours, fetched if need be.

    Args:
        preset: String: a local folder, or what `is_keras_hub_preset` accepts.
        load_weights: Boolean. Whether weights are needed.

    Returns:
        Path, or `None` if the preset holds a backbone, or a model of keras-hub.

    Raises:
        ValueError: If the preset names a model that is not known.
    """
    if not hub_files.has_file(preset, preset_files.TASK):
        return None
    path = hub_files.fetch_file(preset, preset_files.TASK)
    config = preset_files.read_json(path)
    found = registered_class(config)
    if found is None or not issubclass(found, keras_hub.models.Task):
        raise ValueError(
            f"'{path}' names {config.get('registered_name')!r}, which is not a known "
            "model. If it is your own, import its module first."
        )
    if not issubclass(found, root):
        return None
    wanted = [preset_files.METADATA]
    if load_weights:
        wanted += [preset_files.BACKBONE_WEIGHTS, preset_files.TASK_WEIGHTS]
    for name in wanted:
        hub_files.has_file(preset, name)  # fetches it
    return path.parent


def load_backbone(preset, root, load_weights, **kwargs):
    """The backbone of a preset and the converter for its images.

    keras-hub's MiT becomes a `keras_seg.backbones.MiTBackbone`, which takes any size.

    Returns:
        `(backbone, converter)`: the converter scales only, and is `None` if the
        preset has none.
    """
    config = {}
    if hub_files.has_file(preset, preset_files.CONFIG):
        path = hub_files.fetch_file(preset, preset_files.CONFIG)
        config = preset_files.read_json(path)
        if "registered_name" in config:  # else another library's, which is converted
            check_config(config, path, root)
    is_mit = config.get("registered_name") == "keras_hub>MiTBackbone"
    if is_mit:
        image_shape = kwargs.pop("image_shape", (None, None, 3))
    backbone = keras_hub.models.Backbone.from_preset(
        preset, load_weights=load_weights, **kwargs
    )
    if is_mit:
        square = backbone
        config = {**square.get_config(), "image_shape": image_shape}
        backbone = MiTBackbone.from_config(config)
        backbone.set_weights(square.get_weights())
    converter = None
    if hub_files.has_file(preset, "image_converter.json"):
        converter = keras_hub.layers.ImageConverter.from_preset(preset, image_size=None)
    return backbone, converter


def cached_folder(preset):
    """The folder of a built-in backbone of keras-hub, or `None` if it is not cached."""
    files = (preset_files.CONFIG, preset_files.BACKBONE_WEIGHTS)
    return hub_files.cached_folder(preset, files)
