"""Which classes the JSON of a preset may name. Nothing else is ever constructed."""

import keras
import keras_hub

# Classes of Keras that our presets hold, with the module their configs name.
KERAS_CLASSES = (
    ("keras", "DTypePolicy"),
    ("keras.layers", "Normalization"),
    ("keras.layers", "Rescaling"),
)
# Registered classes. A subclass from elsewhere is code that the user has imported.
BASES = (
    keras_hub.models.FeaturePyramidBackbone,
    keras_hub.layers.ImageConverter,
)


def check_config(config, source, root):
    """Raises unless every class that a config names is one that presets may hold.

    These are models, feature pyramid backbones, image converters and everything else
    of keras_seg, and a few layers of Keras.

    Args:
        config: What a JSON file held.
        source: Where it came from, for the message.
        root: Class that all models are subclasses of.

    Raises:
        ValueError: If another class is named, or weights from elsewhere.
    """
    if isinstance(config, dict):
        if "class_name" in config or "registered_name" in config:
            _check_class(config, source, root)
        if config.get("weights") is not None:
            raise ValueError(
                f"'{source}' asks for weights from elsewhere: {config['weights']!r}. "
                "A preset holds its own weights; take this entry out."
            )
        for value in config.values():
            check_config(value, source, root)
    elif isinstance(config, list):
        for value in config:
            check_config(value, source, root)


def registered_class(config):
    """The registered class that a config names, or `None`."""
    name = config.get("registered_name")
    found = keras.saving.get_registered_object(name) if isinstance(name, str) else None
    return found if isinstance(found, type) else None


def _check_class(config, source, root):
    if isinstance(config.get("config"), dict) and _is_allowed(config, root):
        return
    raise ValueError(
        f"'{source}' names the class {config.get('class_name')!r} "
        f"(module {config.get('module')!r}, registered as "
        f"{config.get('registered_name')!r}), which is not allowed in a preset. If it "
        "is your own backbone, import its module first, so that it is registered. "
        "Give any other layer as an argument: from_preset(..., preprocessor=layer)."
    )


def _is_allowed(config, root):
    found = registered_class(config)
    if found is not None:
        package = config["registered_name"].split(">")[0]
        return package == "keras_seg" or issubclass(found, (root, *BASES))
    named = (config.get("module"), config.get("class_name"))
    return named in KERAS_CLASSES and config.get("registered_name") is None
