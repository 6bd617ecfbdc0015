"""The configurations of the papers: data, backbone, crop and test of each."""

import copy
import importlib

from keras_seg.backbones.imagenet import IMAGENET_MEAN, IMAGENET_STD
from keras_seg.presets import configuration_table


def paper_presets() -> dict:
    """The presets at the scale of the papers. They come without weights.

    `from_preset` takes their names. `describe_preset` returns the configuration of one.

    Returns:
        Dictionary from full names, as `load_model` takes them, to descriptions.

    Example:

    ```python
    import keras_seg

    print(keras_seg.presets.paper_presets()["ecenet/ade20k_swin_base_640"])
    ```
    """
    return {name: entry["description"] for name, entry in configurations().items()}


def describe_preset(name) -> dict:
    """The configuration of a preset of the papers, without making a model.

    Args:
        name: String. A full name such as `"ecenet/ade20k_swin_base_640"`.

    Returns:
        Dictionary with `model`, `data_set`, `num_classes`, `class_names`, `palette`,
        `backbone` (title), `backbone_class`, `backbone_config`, `pretrained` (the
        backbone's weights in keras-hub), `crop_size` `[height, width]`, `mean` and
        `std` (in 0..255), `arguments` of the model, `test_protocol`
        (`{"mode": "whole" or "slide", "window": [h, w], "stride": [h, w], "resize":
        [long, short]}`, arguments of `keras_seg.inference.TestProtocol`; `None` where
        the image is not cut or not resized), `published`, whether the authors published
        this configuration, and `description`.

    Raises:
        ValueError: If there is no such preset.

    Example:

    ```python
    import keras_seg

    facts = keras_seg.presets.describe_preset("cpt/cityscapes_swin_large_1024")
    print(facts["crop_size"], facts["test_protocol"]["stride"])
    ```
    """
    entry = configurations().get(name)
    if entry is None:
        raise ValueError(
            f"Unknown preset '{name}'. keras_seg.presets.paper_presets() lists them."
        )
    facts = copy.deepcopy(entry)
    module, constant = facts.pop("colours")
    colours = getattr(
        importlib.import_module(f"keras_seg.data.sources.{module}"), constant
    )
    return {
        **facts,
        "class_names": list(colours),
        "palette": [list(colour) for colour in colours.values()],
    }


def configurations():
    """Dictionary from full names to what `describe_preset` gives, but for classes."""
    return {
        f"{model.lower()}/{name}": entry
        for model, facts in configuration_table.MODELS.items()
        for data in facts["data_sets"]
        for backbone in facts["backbones"]
        for name, entry in [_entry(model, data, backbone)]
    }


def find_configuration(model_class, preset):
    """The full name of a preset of the papers, or `None`.

    Args:
        model_class: A subclass of `keras_seg.models.Segmenter`, whose own presets are
            also known by short names.
        preset: String.
    """
    for base in model_class.__mro__:
        name = f"{base.__name__.lower()}/{preset}"
        if base.__name__ in configuration_table.MODELS and name in configurations():
            return name
    return preset if preset in configurations() else None


def _entry(model, data, name):
    facts = configuration_table.MODELS[model]
    data_set = configuration_table.DATA_SETS[data]
    backbone = configuration_table.BACKBONES[name]
    tests = configuration_table.TESTS[data]
    crop, stride, resize = tests.get(name.split("_")[0], tests[""])
    short = f"{data}_{name}_{crop}"
    full = f"{model.lower()}/{short}"
    published = full in configuration_table.PUBLISHED
    return short, {
        "model": model,
        "data_set": data_set["title"],
        "num_classes": data_set["num_classes"],
        "colours": data_set["colours"],
        "backbone": backbone["title"],
        "backbone_class": backbone["class"],
        "backbone_config": dict(backbone["config"]),
        "pretrained": backbone["pretrained"],
        "crop_size": [crop, crop],
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
        "arguments": facts["arguments"],
        "test_protocol": {
            "mode": "slide" if stride else "whole",
            "window": [crop, crop] if stride else None,
            "stride": [stride, stride] if stride else None,
            "resize": resize and list(resize),
        },
        "published": published,
        "description": (
            f"{model} on {data_set['title']}, {data_set['num_classes']} classes, "
            f"{backbone['title']}, crop {crop}"
            f"{'' if published else ', not a configuration of the authors'}."
        ),
    }
