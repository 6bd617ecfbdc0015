import json
import logging
import shutil
import uuid
from pathlib import Path

import keras
import keras_hub

from keras_seg.presets import preset_files
from keras_seg.presets.check_config import check_config
from keras_seg.presets.store_as_float16 import store_as_float16
from keras_seg.presets.weights_file import check_weights

# An old preset with other files than these is not replaced.
KEPT = ("README.md", "golden_logits.npz")


def save_preset(model, preset_dir, storage_dtype=None):
    """Writes a model to a folder. See `keras_seg.models.Segmenter.save_to_preset`."""
    if storage_dtype not in (None, "float16"):
        raise ValueError(
            "`storage_dtype` must be None or 'float16'. Received: "
            f"storage_dtype={storage_dtype!r}"
        )
    target = Path(preset_dir).resolve()
    _check_target(target)
    draft = _beside(target, "new")
    draft.mkdir(parents=True)
    try:
        keras_hub.models.Task.save_to_preset(model, str(draft), max_shard_size=None)
        if storage_dtype == "float16":
            for name in preset_files.WEIGHTS:
                store_as_float16(draft / name)
        # The one of keras-hub holds the date, so no two would be equal.
        metadata = {
            "keras_version": keras.version(),
            "keras_hub_version": keras_hub.version(),
            "parameter_count": model.count_params(),
            "tasks": [type(model).__name__],
            "sha256": {
                name: preset_files.sha256(draft / name)
                for name in preset_files.HASHED
                if (draft / name).exists()
            },
        }
        (draft / preset_files.METADATA).write_text(json.dumps(metadata, indent=4))
        _tell_whether_it_loads(model, draft, target)
        for name in KEPT:
            if (target / name).exists():
                shutil.copy2(target / name, draft / name)
        _swap(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _tell_whether_it_loads(model, draft, target):
    """Warns of a preset that `from_preset` will refuse, while there is a model."""
    try:
        config = preset_files.read_json(draft / preset_files.TASK)
        check_config(config, target / preset_files.TASK, (type(model),))
        for name in preset_files.WEIGHTS:
            check_weights(draft / name)
    except ValueError as error:
        logging.getLogger("keras_seg").warning(
            "'%s' is saved, but from_preset will refuse it as it is: %s", target, error
        )


def _check_target(target):
    if not target.exists():
        return
    if not target.is_dir():
        raise FileExistsError(
            f"'{target}' is a file. Name a folder for the preset, new or empty."
        )
    found = {path.name for path in target.iterdir()}
    strange = sorted(found - {*preset_files.FILES, *KEPT})
    if found and (strange or preset_files.TASK not in found):
        raise FileExistsError(
            f"'{target}' exists and is not just a preset"
            f"{f', it holds {strange[0]!r}' if strange else ''}. It was left as it is: "
            "name another folder, new or empty, or one that holds a preset."
        )


def _beside(target, word):
    return target.with_name(f".{target.name}.{word}-{uuid.uuid4().hex[:8]}")


def _swap(draft, target):
    """Puts the finished folder in its place; the old one exists until then."""
    if not target.exists():
        draft.rename(target)
        return
    old = _beside(target, "old")
    target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
