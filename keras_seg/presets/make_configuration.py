"""Makes the models of the papers' configurations, and finds their weights."""

import keras

from keras_seg.backbones.imagenet import standardization
from keras_seg.presets import configuration_table
from keras_seg.presets.find_folder import search_folders
from keras_seg.presets.paper_presets import configurations, describe_preset
from keras_seg.presets.pretrained_backbone import load_pretrained

MODEL_ARGUMENTS = (
    "num_classes",
    "class_names",
    "palette",
    "crop_size",
    "test_protocol",
)


def configured_class(model_class, name):
    """The class of the model to make.

    Args:
        model_class: The class that was asked for.
        name: Full name of a preset.

    Raises:
        ValueError: If the preset is of another class.
    """
    made = keras.saving.get_registered_object(
        f"keras_seg>{configurations()[name]['model']}"
    )
    if issubclass(model_class, made):
        return model_class
    if issubclass(made, model_class):
        return made
    raise ValueError(
        f"The preset '{name}' is of class {made.__name__}, not "
        f"{model_class.__name__}. Use {made.__name__}.from_preset."
    )


def make_configuration(model_class, name, backbone_weights, backbone_config, **kwargs):
    """The model of a preset of the papers, with a fresh head.

    Args:
        model_class: See `configured_class`.
        name: Full name of the preset.
        backbone_weights: See `keras_seg.models.Segmenter.from_preset`.
        backbone_config: Dictionary with arguments of the backbone in place of those of
            the preset.
        **kwargs: Such arguments of the model.

    Raises:
        ValueError: If the weights of the backbone cannot be loaded.
    """
    facts = describe_preset(name)
    if "num_classes" in kwargs:
        facts.update(class_names=None, palette=None)
    backbone_class = keras.saving.get_registered_object(facts["backbone_class"])
    config = {**facts["backbone_config"], **backbone_config}
    backbone = backbone_class.from_config(config)
    load_pretrained(backbone, facts["pretrained"], backbone_weights)
    scale, offset = standardization(facts["mean"], facts["std"])
    arguments = {key: facts[key] for key in MODEL_ARGUMENTS}
    arguments |= {"size_multiple": 1, **facts["arguments"], **kwargs}
    if arguments.get("preprocessor") is None:
        arguments["preprocessor"] = keras.layers.Rescaling(
            scale, offset, dtype=backbone.dtype_policy, name="preprocessor"
        )
    return model_class(backbone, **arguments)


def weights_handle(name, presets_dir=None):
    """The handle of the weights on a hub.

    Args:
        name: Full name of the preset.
        presets_dir: See `search_folders`, for the message.

    Raises:
        FileNotFoundError: If there are none. The message lists the alternatives.
    """
    handle = configuration_table.HANDLES.get(name)
    if handle is not None:
        return handle
    model, short = name.split("/")
    looked = ", ".join(str(path / name) for path in search_folders(presets_dir))
    convert = (
        "convert a published checkpoint with `keras-seg convert CHECKPOINT --model "
        f"{model} --preset {short}`, or "
    )
    raise FileNotFoundError(
        f"There are no weights of '{name}' here: not in {looked}, not shipped, not on "
        f"a hub. Either {'' if model == 'sgr' else convert}train it with its recipe, "
        "see `keras-seg train --help`. load_weights=False gives the architecture, with "
        "its pretrained backbone if keras-hub has fetched it."
    )
