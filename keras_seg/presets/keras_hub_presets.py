"""Presets that keras-hub can reach: its built-in names and its handles.

keras-hub fetches the files. Their JSON is read and checked by our own code.
"""

import keras_hub

from keras_seg.backbones.mit_backbone import MiTBackbone
from keras_seg.keras_internals import hub_files
from keras_seg.keras_internals.limit_weights import limit_weights
from keras_seg.presets import preset_files
from keras_seg.presets.check_config import (
    BACKBONES,
    CONVERTERS,
    check_config,
    make_object,
    registered_class,
)
from keras_seg.presets.explain_errors import explain_errors, short
from keras_seg.presets.weights_file import check_weights

HANDLES = ("kaggle://", "hf://", "modelscope://")
# How many weights a backbone may hold: 4 GiB in single precision.
MAX_WEIGHTS = 1 << 30
SPARE_WEIGHTS = 1 << 24
AGAIN = "Save, copy or fetch the preset again."


def built_in_names():
    """The names of the feature pyramid backbones that keras-hub knows."""
    return set(keras_hub.models.FeaturePyramidBackbone.presets)


def is_keras_hub_preset(preset):
    """Whether `preset` is a handle or a built-in name of keras-hub."""
    return preset.startswith(HANDLES) or preset in built_in_names()


def fetch(preset, name):
    """The path of one file of a preset, fetched if need be, or `None`.

    Raises:
        ValueError: If the preset cannot be reached.
    """
    with explain_errors(
        f"'{name}' of the preset '{preset}' cannot be fetched",
        "Check the handle and the connection.",
    ):
        try:
            return hub_files.fetch_file(preset, name)
        except FileNotFoundError:
            return None


def model_folder(preset, root, load_weights):
    """The folder with the files of a model of ours, fetched if need be.

    Args:
        preset: String: a local folder, or what `is_keras_hub_preset` accepts.
        root: Class that all models of ours are subclasses of.
        load_weights: Boolean. Whether weights are needed.

    Returns:
        Path, or `None` if the preset holds a backbone, or a model of keras-hub.

    Raises:
        ValueError: If the preset names a model that is not known.
    """
    path = fetch(preset, preset_files.TASK)
    if path is None:
        return None
    config = preset_files.read_json(path)
    found = registered_class(config)
    if found is None or not issubclass(found, keras_hub.models.Task):
        raise ValueError(
            f"'{path}' names {short(config.get('registered_name'))}, which is not a "
            "known model. If it is your own, import its module first."
        )
    if not issubclass(found, root):
        return None
    for name in (
        preset_files.METADATA,
        *(preset_files.WEIGHTS if load_weights else ()),
    ):
        fetch(preset, name)
    return path.parent


def load_backbone(preset, load_weights, kinds=BACKBONES, **kwargs):
    """The backbone of a preset and the converter for its images.

    keras-hub's MiT becomes a `keras_seg.backbones.MiTBackbone`, which takes any size.

    Args:
        preset: String: a local folder, or what `is_keras_hub_preset` accepts.
        load_weights: Boolean. Whether to load weights.
        kinds: Tuple of the classes of backbones that are expected.
        **kwargs: `dtype` and `image_shape`, in place of those saved.

    Returns:
        `(backbone, converter)`: the converter scales only, and is `None` if the
        preset has none.

    Raises:
        ValueError: If a file is damaged, or asks for anything else than a backbone.
        OSError: If a file is missing or cannot be read.
    """
    path = fetch(preset, preset_files.CONFIG)
    if path is None:
        raise ValueError(
            f"'{preset}' has no {preset_files.CONFIG}, so it is not a preset. Save or "
            "copy it again, or pass the folder of a saved preset."
        )
    config = preset_files.read_json(path)
    weights, most = None, MAX_WEIGHTS
    if "registered_name" in config:
        check_config(config, path, kinds)
        if load_weights:
            weights = _weights(preset)
            # The MiT of keras-hub is made twice, see below.
            most = min(most, 2 * check_weights(weights) + SPARE_WEIGHTS)
    with (
        explain_errors(f"The backbone of '{path}' cannot be loaded", AGAIN),
        limit_weights(most),
    ):
        if "registered_name" in config:
            backbone = _make_backbone(config, path, kinds, weights, kwargs)
        else:  # of timm or transformers, which keras-hub translates
            backbone = keras_hub.models.FeaturePyramidBackbone.from_preset(
                preset, load_weights=load_weights, **kwargs
            )
    return backbone, _make_converter(preset)


def _weights(preset):
    path = fetch(preset, preset_files.BACKBONE_WEIGHTS)
    if path is None:
        raise FileNotFoundError(
            f"'{preset}' has no {preset_files.BACKBONE_WEIGHTS}. {AGAIN}"
        )
    return path


def _make_backbone(config, path, kinds, weights, kwargs):
    is_mit = config.get("registered_name") == "keras_hub>MiTBackbone"
    if is_mit:
        image_shape = kwargs.pop("image_shape", (None, None, 3))
    backbone = make_object(config, path, kinds, **{"dtype": None, **kwargs})
    if weights is not None:
        backbone.load_weights(weights)
    if is_mit:
        square = backbone
        arguments = {**square.get_config(), "image_shape": image_shape}
        backbone = MiTBackbone.from_config(arguments)
        backbone.set_weights(square.get_weights())
    return backbone


def _make_converter(preset):
    path = fetch(preset, preset_files.IMAGE_CONVERTER)
    if path is None:
        return None
    config = preset_files.read_json(path)
    check_config(config, path, CONVERTERS)
    with explain_errors(f"The image converter of '{path}' cannot be made", AGAIN):
        return make_object(config, path, CONVERTERS, image_size=None)


def cached_folder(preset):
    """The folder of a built-in backbone of keras-hub, or `None` if it is not cached."""
    files = (preset_files.CONFIG, preset_files.BACKBONE_WEIGHTS)
    return hub_files.cached_folder(preset, files)
