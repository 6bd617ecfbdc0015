"""Which classes the JSON of a preset may name. Nothing else is ever constructed."""

import keras
import keras_hub

from keras_seg.presets.config_fields import check_fields
from keras_seg.presets.explain_errors import short

# Classes of Keras that presets hold, by the module and the name in their configs.
KERAS_CLASSES = {
    ("keras", "DTypePolicy"): keras.DTypePolicy,
    ("keras.layers", "Normalization"): keras.layers.Normalization,
    ("keras.layers", "Rescaling"): keras.layers.Rescaling,
}
BACKBONES = (keras_hub.models.FeaturePyramidBackbone,)
CONVERTERS = (keras_hub.layers.ImageConverter,)
# A registered subclass of these from elsewhere is code that the user has imported.
BASES = (keras_hub.models.ImageSegmenter, keras_hub.models.Backbone, *CONVERTERS)
PREPROCESSORS = (keras.layers.Normalization, keras.layers.Rescaling, *CONVERTERS)
# Where a config may hold the config of another object, and of which classes.
PLACES = {
    "backbone": BACKBONES,
    "dtype": (keras.DTypePolicy,),
    "image_encoder": BACKBONES,
    "preprocessor": PREPROCESSORS,
}
KEYS = {"module", "class_name", "config", "registered_name"}
# Keys of old presets of keras-hub, which say nothing.
IGNORED = {"assets": [], "weights": "model.weights.h5"}


def check_config(config, source, kinds):
    """Raises unless a config describes an object that a preset may hold.

    Every class that is named anywhere must be on the list and have the name under
    which it is registered. Then the fields of each object are checked: those that its
    constructor takes, of the right type, and not too large. Keras is not asked to make
    anything of a config before.

    Args:
        config: Dictionary, what a JSON file held.
        source: Path of the file, for the message.
        kinds: Tuple of the classes one of which the object must be an instance of.

    Returns:
        The class of the object.

    Raises:
        ValueError: If another class is named, or weights from elsewhere, or a field
            is unknown or has a wrong value.
    """
    _check_classes(config, source)
    return _check_object(config, source, "the object", kinds)


def make_object(config, source, kinds, **arguments):
    """Makes the object of a config that is checked before. See `check_config`.

    Args:
        **arguments: In place of those in the config.
    """
    made = check_config(config, source, kinds)
    return made.from_config({**config["config"], **arguments})


def registered_class(config):
    """The registered class that a config names, or `None`."""
    name = config.get("registered_name")
    found = keras.saving.get_registered_object(name) if isinstance(name, str) else None
    return found if isinstance(found, type) else None


def _check_classes(value, source):
    """Classes first, everywhere: they decide whether a file is hostile or damaged."""
    if isinstance(value, dict):
        if "class_name" in value or "registered_name" in value:
            _class_of(value, source)
        weights = value.get("weights")
        if weights is not None and not (KEYS & set(value) and _is_ignored(value)):
            raise ValueError(
                f"'{source}' asks for weights from elsewhere: {short(weights)}. "
                "A preset holds its own weights; take this entry out."
            )
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            _check_classes(inner, source)


def _is_ignored(config):
    return all(config.get(key, value) == value for key, value in IGNORED.items())


def _class_of(config, source):
    """The class that a config names, once it is on the list."""
    module, name = config.get("module"), config.get("class_name")
    found = registered_class(config)
    if found is not None:
        allowed = name == found.__name__ and _is_known(config, found)
    else:
        named = (module, name) if isinstance(module, str) else (None, None)
        found = KERAS_CLASSES.get(named) if isinstance(name, str) else None
        allowed = found is not None and config.get("registered_name") in (None, name)
    if allowed and isinstance(config.get("config"), dict):
        return found
    raise ValueError(
        f"'{source}' names the class {short(name)} (module {short(module)}, registered "
        f"as {short(config.get('registered_name'))}), which is not allowed in a "
        "preset. If it is your own backbone, import its module first, so that it is "
        "registered. Give any other layer as an argument: "
        "from_preset(..., preprocessor=layer)."
    )


def _is_known(config, found):
    package = config["registered_name"].split(">")[0]
    if package == "keras_seg" and found.__module__.split(".")[0] == "keras_seg":
        return True
    return issubclass(found, BASES)


def _check_object(config, source, place, kinds):
    found = _class_of(config, source)
    if not issubclass(found, kinds):
        raise ValueError(
            f"'{source}' names the class {found.__name__} as {place}, expected one of: "
            f"{', '.join(sorted(kind.__name__ for kind in kinds))}. Save or copy the "
            "preset again."
        )
    known = KEYS | set(IGNORED) if _is_ignored(config) else KEYS
    unknown = sorted(set(config) - known)
    if unknown:
        raise ValueError(
            f"'{source}' has the unknown entries {short(unknown)} beside the class "
            f"{found.__name__}. Take them out, or save the preset again."
        )

    def check_inner(name, value):
        places = PLACES.get(name)
        if places is None:  # such as a schedule in place of a number
            places = (keras.optimizers.schedules.LearningRateSchedule,)
        _check_object(value, source, f"'{name}'", places)

    check_fields(found, config["config"], source, check_inner)
    return found
