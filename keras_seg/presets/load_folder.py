"""Makes the model whose files lie in a folder, once all of them are checked."""

import contextlib
import inspect
import logging
import warnings

import keras

from keras_seg.keras_internals.limit_weights import limit_weights
from keras_seg.keras_internals.trainable_state import make_trainable
from keras_seg.keras_internals.without_random_weights import without_random_weights
from keras_seg.presets import preset_files
from keras_seg.presets.check_config import (
    BACKBONES,
    CONVERTERS,
    PREPROCESSORS,
    check_config,
    make_object,
    registered_class,
)
from keras_seg.presets.explain_errors import explain_errors
from keras_seg.presets.weights_file import check_weights

LOGGER = logging.getLogger("keras_seg")
AGAIN = "Save or copy the preset again."
# How many weights a network may hold: 2 GiB in single precision.
MAX_WEIGHTS = 1 << 29
SPARE_WEIGHTS = 1 << 24  # such as those of metrics, beside the ones in the files


def load_folder(model_class, root, folder, load_weights, kwargs, verified=False):
    """The model of a preset folder.

    Args:
        model_class: The class that was asked for.
        root: Class that all models are subclasses of.
        folder: Path.
        load_weights: Boolean. Whether to load weights.
        kwargs: Dictionary with arguments in place of those saved.
        verified: Boolean. Whether the files were checked against known hashes; else
            they are checked against those in `metadata.json`.

    Raises:
        ValueError: If a file is damaged, or asks for anything else than a model.
        OSError: If a file is missing or cannot be read.
    """
    path = folder / preset_files.TASK
    saved = preset_files.read_json(path)
    config = saved.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("backbone"), dict):
        raise ValueError(
            f"'{path}' has no config of a model and its backbone. Save or copy the "
            "preset again."
        )
    model_class = _model_class(model_class, registered_class(saved), folder)
    check_arguments(model_class, root, kwargs)
    if "num_classes" in kwargs:
        config.update(class_names=None, palette=None, classes_learned=None)
        config.update(temperature=1.0)  # that of the former class layers
    given = dict(kwargs)
    inner = pop_backbone_arguments(kwargs)
    config = {key: value for key, value in config.items() if key not in kwargs}
    check_config({**saved, "config": config}, path, (root,))
    _check_unused(folder, given)
    if not verified:
        check_manifest(folder, load_weights)
    new_classes = "num_classes" in given
    values = sum(_weights(folder).values()) if load_weights else None
    # New class layers keep the weights that they begin with.
    all_loaded = load_weights and not new_classes
    most = MAX_WEIGHTS
    if all_loaded and "network" not in config["backbone"]["config"]:
        # Backbones of keras.applications are built whole and then cut.
        most = min(most, 2 * values + SPARE_WEIGHTS)
    with (
        explain_errors(
            f"The model of '{path}' cannot be made", f"{_advice(given)}{AGAIN}"
        ),
        limit_weights(most),
        without_random_weights() if all_loaded else contextlib.nullcontext(),
    ):
        config["backbone"] = make_object(config["backbone"], path, BACKBONES, **inner)
        if isinstance(config.get("preprocessor"), dict):
            config["preprocessor"] = make_object(
                config["preprocessor"], path, PREPROCESSORS, dtype=inner["dtype"]
            )
        model = model_class.from_config({**config, **kwargs})
    if load_weights:
        fresh = model.head.class_layers if new_classes else []
        _load_weights(model, folder, fresh, values)
        if fresh:
            for layer in fresh:
                make_trainable(layer)  # also in a head that was saved frozen
            LOGGER.warning(
                "%s: the class layers are new for num_classes=%d and must be trained; "
                "all other weights are those of '%s'.",
                type(model).__name__,
                model.num_classes,
                folder,
            )
    _tell_classes_learned(model)
    return model


def check_manifest(folder, load_weights):
    """Checks the files of a preset against the hashes in its `metadata.json`.

    What cannot be checked is said in a warning.

    Args:
        folder: Path.
        load_weights: Boolean. Whether weights are needed.

    Raises:
        FileNotFoundError: If a file that is needed is missing.
        ValueError: If a file is not as it was when saved.
    """
    needed = [preset_files.TASK, *(preset_files.WEIGHTS if load_weights else ())]
    others = [
        name
        for name in preset_files.HASHED
        if name not in (*needed, *preset_files.WEIGHTS) and (folder / name).exists()
    ]
    path, hashes = folder / preset_files.METADATA, {}
    if path.exists():
        found = preset_files.read_json(path).get("sha256")
        hashes = found if isinstance(found, dict) else {}
    known = {name: hashes[name] for name in [*needed, *others] if name in hashes}
    preset_files.check_hashes(folder, known, AGAIN)
    unknown = [name for name in [*needed, *others] if name not in hashes]
    if unknown:
        LOGGER.warning(
            "'%s' has no SHA-256 of %s, so damage there cannot be seen. Save the "
            "preset again to add it.",
            path,
            ", ".join(unknown),
        )


def check_arguments(model_class, root, kwargs):
    """Raises if a model class does not know an argument."""
    known = {"name", "dtype", "image_shape"}
    for base in model_class.__mro__:
        if issubclass(base, root):
            known.update(inspect.signature(base.__init__).parameters)
    known -= {"self", "kwargs", "backbone", "head"}
    unknown = sorted(set(kwargs) - known)
    if unknown:
        raise ValueError(
            f"{model_class.__name__}.from_preset does not know the arguments {unknown}."
            f" It takes: {', '.join(sorted(known))}."
        )


def pop_backbone_arguments(kwargs):
    """What the backbone is told, and passes on: the rest of a model follows it."""
    dtype = keras.dtype_policies.get(kwargs.pop("dtype", None))
    inner = {"dtype": keras.dtype_policies.serialize(dtype)}
    if "image_shape" in kwargs:
        inner["image_shape"] = kwargs.pop("image_shape")
    return inner


def _model_class(asked, saved, folder):
    if issubclass(saved, asked):
        return saved
    if issubclass(asked, saved):
        return asked
    raise ValueError(
        f"The preset '{folder}' holds a model of class {saved.__name__}, not "
        f"{asked.__name__}. Use {saved.__name__}.from_preset."
    )


def _check_unused(folder, kwargs):
    """Files that other libraries read from the same folder hold nothing else."""
    kinds = {preset_files.CONFIG: BACKBONES}
    if "preprocessor" not in kwargs:
        kinds[preset_files.PREPROCESSOR] = PREPROCESSORS
        kinds[preset_files.IMAGE_CONVERTER] = CONVERTERS
    for name, allowed in kinds.items():
        if (folder / name).exists():
            check_config(preset_files.read_json(folder / name), folder / name, allowed)


def _advice(kwargs):
    return f"Check the arguments {sorted(kwargs)}. " if kwargs else ""


def _weights(folder):
    """How many numbers each weights file holds, once it is checked."""
    return {name: check_weights(folder / name) for name in preset_files.WEIGHTS}


def _load_weights(model, folder, fresh, values):
    """Loads both files. What is much larger than the model is not read at all."""
    if values > 4 * model.count_params() + SPARE_WEIGHTS:
        raise ValueError(
            f"The weights in '{folder}' do not fit the model: they hold {values:,} "
            f"numbers, the model {model.count_params():,}. {AGAIN}"
        )
    try:
        with warnings.catch_warnings():
            # Else a part of the model would keep the weights that it began with.
            warnings.filterwarnings("error", message="Skipping nested container")
            model.backbone.load_weights(folder / preset_files.BACKBONE_WEIGHTS)
            model.load_task_weights(
                folder / preset_files.TASK_WEIGHTS, layers_to_skip=fresh
            )
    except Exception as error:  # of Keras, of h5py, and of each backend
        raise ValueError(
            f"The weights in '{folder}' do not fit the model. Leave out arguments that "
            f"change the network, or pass load_weights=False. Keras says: {error}"
        ) from error


def _tell_classes_learned(model):
    if model.classes_learned is not None:
        LOGGER.warning(
            "%s knows %d of %d classes: %s.",
            type(model).__name__,
            len(model.classes_learned),
            model.num_classes,
            ", ".join(model.learned_class_names),
        )
