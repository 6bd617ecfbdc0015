"""What the fields of a config may hold: by name, with a type and limits.

The limits are far above what any model here needs, and low enough that a short file
cannot ask for a network that no machine holds.
"""

import inspect
import re

import keras
import keras_hub

from keras_seg.presets.explain_errors import short

MAX_TEXT = 1024
MAX_ENTRIES = 65_536
LEVEL = re.compile("P[0-9]")
COUNT = re.compile(r"depth|num_layers|num_blocks|num_repeats|num_levels|num_register")


def integer(low, high):
    """A check for an integer of a range."""
    return _Numbers(int, low, high)


def integers(low, high, many=1024):
    """A check for lists of up to `many` integers of a range, or one of them."""
    return _Numbers(int, low, high, many)


def number(low, high):
    """A check for a finite number of a range."""
    return _Numbers((int, float), low, high)


def numbers(low, high):
    """A check for lists of up to 1,024 finite numbers of a range, or one of them."""
    return _Numbers((int, float), low, high, many=1024)


class _Numbers:
    def __init__(self, kind, low, high, many=0):
        self.kind, self.low, self.high, self.many = kind, low, high, many
        name = "an integer" if kind is int else "a number"
        lists = f", or a list of up to {many:,} such" if many else ""
        self.expected = f"{name} from {low:,} to {high:,}{lists}"

    def __call__(self, value, depth=0):
        if isinstance(value, list) and self.many and depth < 4:
            return len(value) <= self.many and all(self(x, depth + 1) for x in value)
        if value is None:
            return True
        if isinstance(value, bool) or not isinstance(value, self.kind):
            return False
        return self.low <= value <= self.high  # false for NaN


class _Other:
    def __init__(self, expected, check):
        self.expected, self.check = expected, check

    def __call__(self, value):
        return self.check(value)


def _is_text(value):
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _is_texts(value):
    if isinstance(value, dict):
        value = [*value, *value.values()]
    few = isinstance(value, list) and len(value) <= MAX_ENTRIES
    return value is None or (few and all(map(_is_text, value)))


def _flat(value):
    return [y for x in value for y in _flat(x)] if isinstance(value, list) else [value]


def _is_counts(value):
    counts = _flat(value)
    if len(counts) > 64 or not all(x is None or isinstance(x, int) for x in counts):
        return False
    return min([0, *filter(None, counts)]) >= 0 and sum(filter(None, counts)) <= 512


def _is_levels(value):
    return value is None or (
        isinstance(value, list | dict)
        and all(isinstance(x, str) and LEVEL.fullmatch(x) for x in value)
        and (isinstance(value, list) or _is_texts(list(value.values())))
    )


def _is_flags(value):
    return (
        isinstance(value, dict)
        and len(value) <= MAX_ENTRIES
        and all(_is_text(x) and isinstance(flag, bool) for x, flag in value.items())
    )


TEXT = _Other("a short string", lambda value: value is None or _is_text(value))
BOOLEAN = _Other("true or false", lambda value: isinstance(value, bool))
TEXTS = _Other("short strings", _is_texts)
COUNTS = _Other("at most 64 positive integers, 512 together", _is_counts)
FLAGS = _Other("true or false for names of layers", _is_flags)
LEVELS = _Other("names of levels such as 'P2'", _is_levels)
FRACTION, SIZES, WIDTH = number(0, 1), integers(1, 65_536), integer(0, 4096)
WIDTHS = integers(0, 4096)
FIELDS = {
    "class_names": TEXTS,
    "classes_learned": integers(0, 65_535, MAX_ENTRIES),
    "crop_size": SIZES,
    "data_format": TEXT,
    "depths": COUNTS,
    "dilation_rates": COUNTS,
    "drop_path": FRACTION,
    "dropout": FRACTION,
    "embed_dim": WIDTH,
    "freeze_backbone_norm": BOOLEAN,
    "rematerialize": BOOLEAN,
    "fusion": TEXT,
    "gated": BOOLEAN,
    "growth_rate": WIDTH,
    "hidden_dim": WIDTH,
    "hidden_dims": WIDTHS,
    "ignore_class": integer(-(2**31), 2**31 - 1),
    "image_shape": integers(1, 16_384),
    "image_size": SIZES,
    "input_conv_filters": WIDTHS,
    "input_scale": number(0.01, 16),
    "long_side": integer(1, 65_536),
    "max_components": integer(1, 65_535),
    "mean": numbers(-1e6, 1e6),
    "min_component_area": integer(0, 2**31 - 1),
    "mlp_ratio": number(0, 64),
    "name": TEXT,
    "network": TEXT,
    "num_classes": integer(1, 65_536),
    "num_heads": integers(1, 256),
    "num_regions": integer(1, 4096),
    "offset": numbers(-1e6, 1e6),
    "output_stride": integer(1, 1024),
    "palette": integers(0, 255, MAX_ENTRIES),
    "pool_dim": WIDTH,
    "pyramid_layers": LEVELS,
    "pyramid_levels": LEVELS,
    "scale": numbers(-1e6, 1e6),
    "size_multiple": integer(1, 1024),
    "source": TEXT,
    "temperature": number(1e-6, 1e6),
    "trainable": BOOLEAN,
    "trainable_state": FLAGS,
    "variance": numbers(0, 1e12),
    "window_size": integer(1, 128),
}
# Of a field that is not in the table.
ANY_INTEGER = integers(-16_384, 16_384)
ANY_NUMBER = numbers(-1e9, 1e9)
# Arguments of the constructors that no config has, for they are made from others.
MADE = {"self", "args", "kwargs", "inputs", "outputs", "head"}
# Whose arguments a class passes on, or had in earlier versions.
PASSED_ON = {
    "keras_seg>DilatedResNetBackbone": keras_hub.models.ResNetBackbone,
    "keras_seg>MiTBackbone": keras_hub.models.MiTBackbone,
}
EARLIER = {"height", "width", "mean", "variance"}  # of an image converter
OF_APPLICATIONS = {"include_top", "weights", "input_tensor", "input_shape"}


def check_fields(found, config, source, check_object):
    """Raises unless a class takes each field of a config, with such a value.

    Args:
        found: The class.
        config: Dictionary.
        source: Path of the file, for the message.
        check_object: Function of the name and the value of a field that holds the
            config of another object.

    Raises:
        ValueError: If a field is unknown, of another type or out of range.
    """
    known, open_ended = _known_fields(found, config)
    for name, value in config.items():
        if name not in known and not open_ended:
            raise ValueError(
                f"'{source}' has the field {short(name)}, but {found.__name__} has no "
                f"such argument. It has: {', '.join(sorted(known))}. Remove the "
                "field, or update keras_seg."
            )
        _check_value(name, value, source, check_object)


def _check_value(name, value, source, check_object, depth=0):
    if isinstance(value, dict):
        if "class_name" in value:
            return check_object(name, value)
        if name not in FIELDS and depth < 4 and len(value) <= MAX_ENTRIES:
            for key, inner in value.items():
                _check_value(key, inner, source, check_object, depth + 1)
            return None
    expected = FIELDS.get(name) or _by_value(name, value)
    if expected is None or not expected(value):
        wanted = expected.expected if expected else "plain values, not nested deeply"
        raise ValueError(
            f"'{source}' has {short(name)}: {short(value)}, expected {wanted}. Correct "
            "the value, or save or copy the preset again."
        )
    return None


def _by_value(name, value):
    """The check for a field that is not in the table."""
    sample = value
    while isinstance(sample, list) and sample:
        sample = sample[0]
    if isinstance(sample, bool):
        return _Other("true or false", lambda value: _all(bool, value))
    if isinstance(sample, str):
        return TEXTS if isinstance(value, list) else TEXT
    if isinstance(sample, int):
        if COUNT.search(name):
            return COUNTS
        return ANY_INTEGER if _all(int, value) else ANY_NUMBER
    if sample is None or isinstance(sample, float | list):
        return ANY_NUMBER
    return None


def _all(kind, value):
    if isinstance(value, list):
        return len(value) <= MAX_ENTRIES and all(_all(kind, inner) for inner in value)
    return isinstance(value, kind)


def _known_fields(found, config):
    """The names of the fields of a class, and whether it takes any others."""
    classes = [found]
    if issubclass(found, keras.DTypePolicy):
        return {"name"}, False
    name = keras.saving.get_registered_name(found)
    classes += [PASSED_ON[name]] if name in PASSED_ON else []
    known = {"name", "trainable", "trainable_state", "dtype"}
    for base in [base for each in classes for base in each.__mro__]:
        if base.__module__.startswith("keras.src"):
            continue  # Keras's own layers are known by the class itself
        known.update(inspect.signature(base.__init__).parameters)
    if found.__module__.startswith("keras.src"):
        known.update(inspect.signature(found.__init__).parameters)
    if issubclass(found, keras_hub.layers.ImageConverter):
        known |= EARLIER
    if "network" in known:  # of keras.applications
        network = config.get("network")
        function = getattr(keras.applications, str(network), None)
        if inspect.isfunction(function):
            known |= set(inspect.signature(function).parameters) - OF_APPLICATIONS
    parts = found.__module__.split(".")
    foreign = parts[0] not in ("keras", "keras_hub", "keras_seg")
    takes_any = any(
        parameter.kind is parameter.VAR_KEYWORD
        for parameter in inspect.signature(found.__init__).parameters.values()
    )
    return known - MADE, foreign and takes_any
