"""The settings of a training run: names, defaults, and which fit together."""

import difflib
import functools
import pathlib
import tomllib
import types

from keras_seg.training.run_error import RunError

TABLE = pathlib.Path(__file__).with_name("settings.toml")
PYTHON_TYPES = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "path": (str, pathlib.Path),
    "string": (str, pathlib.Path),
}
# Settings of the network, which a preset replaces.
NETWORK = (
    "model",
    "architecture",
    "drop_path",
    "backbone",
    "backbone_weights",
    "initial_weights",
    "hidden_dim",
    "fusion",
    "mlp_ratio",
    "source",
    "memory_momentum",
    "initial_memory",
    "pyramid_levels",
    "output_stride",
    "regions",
)
# Those that an architecture replaces.
BODY = ("backbone", "backbone_weights", "hidden_dim", "pyramid_levels", "output_stride")
# Settings that are chosen for the data where they are not given.
CHOSEN = (
    "long_side",
    "input_scale",
    "crop_size",
    "batch_size",
    "epochs",
    "steps_per_epoch",
    "learning_rate",
    "ema",
    "validate_every",
    "patience",
    "verbose",
)
# Settings that may change when a run is resumed; paths may have moved.
FREE = (
    "verbose",
    "workers",
    "devices",
    "no_test",
    "val_scales",
    "final_scale",
    "tensorboard",
)
FREE_PATHS = ("output", "data_dir", "images", "masks", "val_images", "val_masks")
DEFAULT_PRESETS = {
    "ecenet": "ecenet/ade20k",
    "cpt": "cpt/camvid",
    "sgr": "sgr/camvid",
}
CAMVID_THIN_CLASSES = [2, 6, 7, 9, 10]


@functools.cache
def setting_groups():
    """The table `settings.toml`: groups of settings with type, default and text.

    Returns:
        Dictionary from the names of groups to dictionaries from the names of settings
        to their properties.

    Example:

    ```python
    from keras_seg.training.settings import setting_groups

    print(setting_groups()["training"]["epochs"]["type"])  # integer
    ```
    """
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def all_settings():
    """The properties of all settings by name, in the order of the table."""
    groups = setting_groups().values()
    return {name: facts for group in groups for name, facts in group.items()}


def resolve_settings(given):
    """Completes settings with their defaults and checks that they fit together.

    Settings that are chosen for the data are `None`, see
    `keras_seg.training.choose_settings`.

    Args:
        given: Dictionary from names to values. `None` counts as not given.

    Returns:
        `types.SimpleNamespace` with all settings.

    Raises:
        RunError: If a setting is unknown, has a wrong type, or does not fit others.

    Example:

    ```python
    from keras_seg.training.settings import resolve_settings

    settings = resolve_settings({"data": "camvid", "data_dir": "CAMVID"})
    print(settings.val_share, settings.epochs)  # 0.2 None
    ```
    """
    given = {name: value for name, value in given.items() if value is not None}
    table = all_settings()
    for name, value in given.items():
        _check_setting(name, value, table)
    values = {name: facts.get("default") for name, facts in table.items()}
    args = types.SimpleNamespace(**{**values, **given})
    if args.data is None:
        args.data = "folder" if args.images else "camvid"
    _check_data(args)
    _check_optimizer(args, given)
    _choose_network(args, given)
    _check_network(args)
    if args.focus_classes is None:
        args.focus_classes = CAMVID_THIN_CLASSES if args.data == "camvid" else []
    if args.diversity_weight is not None and given.get("model", "ecenet") != "ecenet":
        raise RunError("--diversity-weight needs --model ecenet")
    if args.paste_probability and not args.focus_classes:
        raise RunError("--paste-probability needs --focus-classes")
    return args


def flag(name):
    """The option of the command line for a setting."""
    return f"--{name.replace('_', '-')}"


def _check_setting(name, value, table):
    if name not in table:
        near = difflib.get_close_matches(name, table, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise RunError(
            f"There is no setting {name!r}.{hint} `keras-seg train --help` lists all."
        )
    facts = table[name]
    kinds, count = PYTHON_TYPES[facts["type"]], facts.get("count")
    values = [value]
    if count is not None:
        if not isinstance(value, (list, tuple)):
            raise RunError(f"{name} must be a list. Received: {name}={value!r}.")
        values = value
        if count == "+" and not values and facts.get("default") != []:
            raise RunError(f"{name} must have at least one value. Received: none.")
        if isinstance(count, int) and len(values) != count:
            raise RunError(f"{name} must have {count} values. Received: {value!r}.")
    for item in values:
        if not isinstance(item, kinds) or (
            isinstance(item, bool) and facts["type"] != "boolean"
        ):
            raise RunError(
                f"{name} must be of type {facts['type']}. Received: {item!r}."
            )
        if "choices" in facts and item not in facts["choices"]:
            choices = ", ".join(map(str, facts["choices"]))
            raise RunError(f"{name} must be one of {choices}. Received: {item!r}.")


def _check_data(args):
    if args.data == "folder" and not (args.images and args.masks):
        raise RunError("--data folder needs --images and --masks")
    if args.data not in ("folder", "python") and not args.data.startswith("tfds:"):
        if not args.data_dir:
            raise RunError(f"--data {args.data} needs --data-dir")
    if bool(args.val_images) != bool(args.val_masks):
        raise RunError("--val-images and --val-masks go together")
    if not 0 <= args.val_share < 1:
        raise RunError(
            f"--val-share must be at least 0 and below 1. Received: {args.val_share}."
        )


def _check_optimizer(args, given):
    if args.optimizer == "sgd" and args.head_multiplier != 1:
        raise RunError("--optimizer sgd has one rate: give --head-multiplier 1")
    if args.optimizer == "sgd" and args.layer_decay is not None:
        raise RunError("--optimizer sgd has one rate: leave out --layer-decay")
    if args.layer_decay is not None and not 0 < args.layer_decay <= 1:
        raise RunError("--layer-decay must be above 0 and at most 1")
    for name in ("accumulate", "epochs", "steps_per_epoch", "batch_size", "max_images"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise RunError(
                f"{flag(name)} must be at least 1. Received: {getattr(args, name)}."
            )
    scales = [args.input_scale, args.final_scale, *(args.val_scales or ())]
    if any(scale is not None and not scale >= 1 for scale in scales):
        raise RunError(
            "--input-scale, --final-scale and --val-scales enlarge images: they must "
            f"be at least 1. Received: {args.input_scale}, {args.final_scale} and "
            f"{args.val_scales}. --long-side makes large images smaller."
        )
    if args.patience is not None and args.patience < 0:
        raise RunError(
            f"--patience must be at least 0, which never stops. Received: "
            f"{args.patience}."
        )
    if args.val_scales and args.final_scale:
        raise RunError("--val-scales chooses the scale: leave out --final-scale")


def _choose_network(args, given):
    """Selects the preset to start from, and removes what it replaces."""
    own = [name for name in NETWORK if name in given and name != "model"]
    if args.data == "python" or (args.preset is None and not own):
        if args.data != "python":
            args.preset = DEFAULT_PRESETS[args.model]
            given = {name: value for name, value in given.items() if name != "model"}
        for name in NETWORK:
            if args.data == "python" and name in given:
                raise RunError(f"The model is given in Python: leave out {flag(name)}")
            setattr(args, name, None)
    if args.freeze and not args.preset:
        raise RunError("--freeze needs --preset")
    for replacement, replaced in (("preset", NETWORK), ("architecture", BODY)):
        for name in replaced if getattr(args, replacement) else ():
            if name in given:
                raise RunError(
                    f"--{replacement} brings its own network: leave out {flag(name)}"
                )
            setattr(args, name, None)


def _check_network(args):
    if (args.fusion or args.mlp_ratio) and args.model != "ecenet":
        raise RunError("--fusion and --mlp-ratio need --model ecenet")
    if args.source and args.model != "cpt":
        raise RunError("--source needs --model cpt")
    if (args.memory_momentum or args.initial_memory) and args.model != "cpt":
        raise RunError("--memory-momentum and --initial-memory need --model cpt")
    if args.memory_momentum and len(args.memory_momentum) > 2:
        raise RunError("--memory-momentum takes one number or two")
    if args.output_stride and args.model != "sgr":
        raise RunError("--output-stride needs --model sgr")
