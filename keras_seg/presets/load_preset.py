import contextlib
import difflib
import inspect
import logging
import os

import keras

from keras_seg.keras_internals.without_random_weights import without_random_weights
from keras_seg.presets import keras_hub_presets, preset_files
from keras_seg.presets.check_config import check_config, registered_class
from keras_seg.presets.find_folder import find_folder
from keras_seg.presets.make_paper import make_paper, paper_class, paper_handle
from keras_seg.presets.paper_presets import find_paper, paper_presets
from keras_seg.presets.shipped import find_shipped, shipped_folder, shipped_presets


def load_preset(
    model_class,
    root,
    preset,
    load_weights=True,
    presets_dir=None,
    backbone_weights="cached",
    **kwargs,
):
    """Makes a model from a preset. See `keras_seg.models.Segmenter.from_preset`."""
    paper = find_paper(model_class, preset)
    if not _takes_a_head(model_class):  # else the preset says which class it is
        _check_arguments(model_class, root, kwargs)
    if paper is not None and not load_weights:
        model_class = paper_class(model_class, paper)
        _check_arguments(model_class, root, kwargs)
        inner = _pop_backbone_arguments(kwargs)
        return make_paper(model_class, paper, backbone_weights, inner, **kwargs)
    if backbone_weights != "cached":
        raise ValueError(
            "`backbone_weights` goes with load_weights=False and a preset of "
            f"keras_seg.presets.paper_presets(). Received: preset='{preset}', "
            f"load_weights={load_weights}, backbone_weights={backbone_weights!r}."
        )
    found = find_folder(model_class, preset, presets_dir)
    entry = find_shipped(model_class, preset)
    if found is None and entry is not None:
        folder = shipped_folder(entry)
        preset_files.check_hashes(
            folder,
            {
                name: digest
                for name, digest in entry["files"].items()
                if load_weights or name.endswith(".json")
            },
            "Install keras-seg again, or restore the file in the checkout.",
        )
    else:
        if found is None and paper is not None:
            found = paper_handle(paper, presets_dir)
        preset = os.fspath(preset if found is None else found)
        local = os.path.isdir(preset)
        if local:
            preset = os.path.abspath(preset)
        elif not keras_hub_presets.is_keras_hub_preset(preset):
            raise ValueError(_unknown(model_class, preset))
        folder = keras_hub_presets.model_folder(preset, root, load_weights)
        if folder is None:
            return _from_backbone(model_class, root, preset, load_weights, kwargs)
        if load_weights:
            _check_manifest(folder)
    return _from_folder(model_class, root, folder, load_weights, kwargs)


def _from_folder(model_class, root, folder, load_weights, kwargs):
    path = folder / preset_files.TASK
    saved = preset_files.read_json(path)
    config = saved.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("backbone"), dict):
        raise ValueError(
            f"'{path}' has no config of a model and its backbone. Save or copy the "
            "preset again."
        )
    saved_class = registered_class(saved)
    if issubclass(saved_class, model_class):
        model_class = saved_class
    elif not issubclass(model_class, saved_class):
        raise ValueError(
            f"The preset '{folder}' holds a model of class {saved_class.__name__}, not "
            f"{model_class.__name__}. Use {saved_class.__name__}.from_preset."
        )
    _check_arguments(model_class, root, kwargs)
    new_classes = "num_classes" in kwargs
    if new_classes:
        config.update(class_names=None, palette=None, classes_learned=None)
    inner = _pop_backbone_arguments(kwargs)
    config.update(kwargs)
    check_config(saved, path, root)
    config["backbone"]["config"].update(inner)
    if isinstance(config.get("preprocessor"), dict):
        config["preprocessor"]["config"]["dtype"] = inner["dtype"]
    # New class layers keep the weights that they begin with.
    all_loaded = load_weights and not new_classes
    with without_random_weights() if all_loaded else contextlib.nullcontext():
        model = model_class.from_config(config)
    if load_weights:
        fresh = model.head.class_layers if new_classes else []
        _load_weights(model, folder, fresh)
        if fresh:
            for layer in fresh:
                layer.trainable = True  # also in a head that was saved frozen
            logging.getLogger("keras_seg").warning(
                "%s: the class layers are new for num_classes=%d and want training; "
                "all other weights are those of '%s'.",
                type(model).__name__,
                model.num_classes,
                folder,
            )
    if model.classes_learned is not None:
        names = model.class_names or range(model.num_classes)
        logging.getLogger("keras_seg").warning(
            "%s knows %d of %d classes: %s.",
            type(model).__name__,
            len(model.classes_learned),
            model.num_classes,
            ", ".join(str(names[i]) for i in model.classes_learned),
        )
    return model


def _load_weights(model, folder, fresh):
    backbone_weights = folder / preset_files.BACKBONE_WEIGHTS
    task_weights = folder / preset_files.TASK_WEIGHTS
    preset_files.check_weights(backbone_weights)
    preset_files.check_weights(task_weights)
    try:
        model.backbone.load_weights(backbone_weights)
        model.load_task_weights(task_weights, layers_to_skip=fresh)
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"The weights in '{folder}' do not fit the model. Leave out arguments that "
            f"change the network, or pass load_weights=False. Keras says: {error}"
        ) from error


def _from_backbone(model_class, root, preset, load_weights, kwargs):
    """A model with a head of its own on a backbone from a preset."""
    if _takes_a_head(model_class):
        raise ValueError(
            f"The preset '{preset}' holds a backbone, not a whole model. Load it with "
            "a model class, such as keras_seg.ECENet.from_preset."
        )
    if "num_classes" not in kwargs:
        raise ValueError(
            f"The preset '{preset}' holds a backbone, not a whole model. Pass "
            "num_classes=... for a new head."
        )
    inner = {key: kwargs.pop(key) for key in ("dtype", "image_shape") if key in kwargs}
    backbone, converter = keras_hub_presets.load_backbone(
        preset, root, load_weights, **inner
    )
    kwargs.setdefault("preprocessor", converter)
    return model_class(backbone, **kwargs)


def _pop_backbone_arguments(kwargs):
    """What the backbone is told, and passes on: the rest of a model follows it."""
    dtype = keras.dtype_policies.get(kwargs.pop("dtype", None))
    inner = {"dtype": keras.dtype_policies.serialize(dtype)}
    if "image_shape" in kwargs:
        inner["image_shape"] = kwargs.pop("image_shape")
    return inner


def _check_manifest(folder):
    """A saved preset vouches for its weights, so that damage is found."""
    if (folder / preset_files.METADATA).is_file():
        manifest = preset_files.read_json(folder / preset_files.METADATA).get("sha256")
        if isinstance(manifest, dict):
            names = (preset_files.BACKBONE_WEIGHTS, preset_files.TASK_WEIGHTS)
            preset_files.check_hashes(
                folder,
                {name: manifest[name] for name in names if name in manifest},
                "Save or copy the preset again.",
            )


def _check_arguments(model_class, root, kwargs):
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


def _takes_a_head(model_class):
    """Whether it is the base class, which leaves the choice to the preset."""
    return "head" in inspect.signature(model_class).parameters


def _unknown(model_class, preset):
    known = sorted(shipped_presets(model_class))
    papers = [short for name in paper_presets() for short in (name, name.split("/")[1])]
    papers = [name for name in papers if find_paper(model_class, name)]
    reachable = known + papers + sorted(keras_hub_presets.built_in_names())
    near = difflib.get_close_matches(preset, reachable, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return (
        f"Unknown preset '{preset}' for {model_class.__name__}.{hint} "
        f"Known: {', '.join(known) or 'none yet'}. A preset can also be one of the "
        "papers, see keras_seg.presets.paper_presets(), the folder of a saved one, a "
        "handle such as 'hf://USER/NAME', or a backbone of keras-hub such as "
        "'resnet_50_imagenet'."
    )
