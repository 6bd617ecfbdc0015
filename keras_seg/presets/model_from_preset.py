import difflib
import inspect
import os
from pathlib import Path

from keras_seg.presets import keras_hub_presets, preset_files
from keras_seg.presets.find_folder import find_folder
from keras_seg.presets.load_folder import (
    check_arguments,
    load_folder,
    pop_backbone_arguments,
)
from keras_seg.presets.make_configuration import (
    configured_class,
    make_configuration,
    weights_handle,
)
from keras_seg.presets.paper_presets import find_configuration, paper_presets
from keras_seg.presets.regular_file import check_inside
from keras_seg.presets.shipped import find_shipped, shipped_folder, shipped_presets


def model_from_preset(
    model_class,
    root,
    preset,
    load_weights=True,
    presets_dir=None,
    backbone_weights="cached",
    **kwargs,
):
    """Makes a model from a preset. See `keras_seg.models.Segmenter.from_preset`."""
    paper = find_configuration(model_class, preset)
    if not _takes_a_head(model_class):  # else the preset says which class it is
        check_arguments(model_class, root, kwargs)
    if paper is not None and not load_weights:
        model_class = configured_class(model_class, paper)
        check_arguments(model_class, root, kwargs)
        inner = pop_backbone_arguments(kwargs)
        return make_configuration(model_class, paper, backbone_weights, inner, **kwargs)
    if backbone_weights != "cached":
        raise ValueError(
            "`backbone_weights` goes with load_weights=False and a preset of "
            f"keras_seg.presets.paper_presets(). Received: preset='{preset}', "
            f"load_weights={load_weights}, backbone_weights={backbone_weights!r}."
        )
    found = find_folder(model_class, preset, presets_dir)
    entry = find_shipped(model_class, preset)
    verified = found is None and entry is not None
    if verified:
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
            found = weights_handle(paper, presets_dir)
        preset = os.fspath(preset if found is None else found)
        if os.path.isdir(preset):
            preset = os.path.abspath(preset)
            for name in preset_files.FILES:
                check_inside(Path(preset), Path(preset, name))
        elif not keras_hub_presets.is_keras_hub_preset(preset):
            raise ValueError(_unknown(model_class, preset))
        folder = keras_hub_presets.model_folder(preset, root, load_weights)
        if folder is None:
            return _from_backbone(model_class, preset, load_weights, kwargs)
    model = load_folder(
        model_class, root, folder, load_weights, kwargs, verified=verified
    )
    if verified and load_weights:
        model.licence = entry.get("licence")  # exported files name it
    return model


def _from_backbone(model_class, preset, load_weights, kwargs):
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
    backbone, converter = keras_hub_presets.load_backbone(preset, load_weights, **inner)
    kwargs.setdefault("preprocessor", converter)
    return model_class(backbone, **kwargs)


def _takes_a_head(model_class):
    """Whether it is the base class, which leaves the choice to the preset."""
    return "head" in inspect.signature(model_class).parameters


def _unknown(model_class, preset):
    known = sorted(shipped_presets(model_class))
    papers = [short for name in paper_presets() for short in (name, name.split("/")[1])]
    papers = [name for name in papers if find_configuration(model_class, name)]
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
