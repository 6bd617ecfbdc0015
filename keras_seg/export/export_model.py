import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from keras_seg.export.check_model import check_model
from keras_seg.export.compare import check_batches, compare
from keras_seg.export.convert import convert, run_file
from keras_seg.export.describe import describe_model, describes_same, versions_of
from keras_seg.export.formats import FORMATS, check_formats
from keras_seg.inference.inference_model import InferenceModel
from keras_seg_runtime.exported.description import file_hashes, read_description


def export_model(
    model,
    folder,
    name,
    formats,
    size=None,
    weights="float32",
    labels=False,
    overwrite=False,
    head_logits=False,
) -> list:
    """Exports a model to files for other runtimes, and checks each against the model.

    The files take batches of uint8 RGB images `(B, H, W, 3)` of any size and return
    logits `(B, H, W, num_classes)`. They are converted on TensorFlow in a process of
    its own, from a model of any backend. Each file is run in its own runtime, at two
    sizes and with a batch of two, and compared with the model. If labels differ,
    nothing is written.

    `NAME.json` describes the files: classes, palette, void, sizes, licence, hashes and
    versions. `keras_seg_runtime.load` reads it.

    Args:
        model: `keras_seg.models.Segmenter`.
        folder: Path of the folder for the files.
        name: String. The files are `NAME.onnx`, `NAME.tflite` for LiteRT, `NAME.xml`
            and `NAME.bin` for OpenVINO, and a folder `NAME` for a SavedModel.
        formats: List of `"onnx"`, `"litert"`, `"openvino"` and `"saved-model"`.
        size: Pair `(height, width)`, or `None` for images of any size.
        weights: `"float32"`, or `"float16"` to store weights in half precision. Up to
            2 % of the labels may then differ; `NAME.json` has the share.
        labels: Boolean. Whether the files return labels `(B, H, W)` in uint8, the
            argmax of the logits, in place of logits.
        overwrite: Boolean. Whether existing files are replaced.
        head_logits: Boolean. Whether the files return logits at the resolution of the
            model's head, a quarter of that of the images for most models. They are
            smaller and faster to compute; `keras_seg_runtime` upsamples them where
            labels need it.

    Returns:
        List of the paths of the exported files.

    Raises:
        ValueError: If an argument is not valid, the model cannot be converted, or a
            file differs from the model.
        FileExistsError: If a file exists and `overwrite` is `False`.
        ModuleNotFoundError: If packages for the formats are missing.

    Example:

    ```python
    import keras_seg

    def export_for_phones(model, folder):
        return keras_seg.export.export_model(model, folder, "camvid", ["litert"])
    ```
    """
    formats = list(dict.fromkeys(formats))
    check_formats(formats, weights)
    size = _checked_size(model, size)
    modules = check_model(model)
    output = _checked_output(model, labels, head_logits)
    folder = Path(folder)
    targets = {form: folder / f"{name}{FORMATS[form].suffix}" for form in formats}
    description = describe_model(model)
    described = folder / f"{name}.json"
    known = _known_files(described, targets.values(), description, overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that complete files only have to be renamed.
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder) as work:
        work, drafts = Path(work), Path(work, "drafts")
        drafts.mkdir()
        drafted = {form: drafts / path.name for form, path in targets.items()}
        errors = convert(model, modules, drafted, size, output, weights, work)
        if errors:
            text = "; ".join(f"{form}: {error}" for form, error in errors.items())
            raise ValueError(f"This model cannot be converted to {text}")
        batches = check_batches(size)
        predict = model.predict_on_batch
        if head_logits:
            predict = InferenceModel.of(model).predict_head_on_batch
        expected = {key: predict(x) for key, x in batches.items()}
        entries = {}
        for form, draft in drafted.items():
            outputs = run_file(form, draft, batches, work)
            try:
                check = compare(expected, outputs, labels, weights)
            except ValueError as error:
                raise ValueError(
                    f"The file for {form} differs from the model, so nothing was "
                    f"written. {error}"
                ) from error
            entries[draft.name] = {
                "format": form,
                "output": output,
                "size": size,
                "weights": weights,
                "check": check,
                "sha256": file_hashes(draft),
                "versions": versions_of(form),
            }
        description["files"] = {**known, **entries}
        draft = drafts / described.name
        draft.write_text(json.dumps(description, indent=1), encoding="utf-8")
        for form, path in targets.items():
            for part in _parts(form, path):
                _replace(drafts / part.name, part)
        _replace(draft, described)
    return list(targets.values())


def _parts(form, path):
    return [path.with_suffix(".bin"), path] if form == "openvino" else [path]


def _checked_size(model, size):
    fixed = model.input_shape[1:3]
    if None not in fixed:
        if size is not None and tuple(size) != fixed:
            raise ValueError(
                f"This model takes images of {fixed[0]} x {fixed[1]} pixels only. "
                f"Received: size={size}"
            )
        size = fixed
    if size is None:
        return None
    if len(size) != 2 or not all(isinstance(n, int) and n >= 32 for n in size):
        raise ValueError(
            "`size` must be a pair (height, width) of integers of at least 32. "
            f"Received: size={size!r}"
        )
    return list(size)


def _checked_output(model, labels, head_logits):
    if labels and head_logits:
        raise ValueError(
            "A file returns either labels or logits. Received: labels=True and "
            "head_logits=True. Pass one of them."
        )
    if head_logits and model.head_logits is None:
        raise ValueError(
            f"{type(model).__name__} overrides how its logits are computed, so those "
            "of its head are not its result. Export it without head_logits."
        )
    return "labels" if labels else "head_logits" if head_logits else "logits"


def _known_files(described, targets, description, overwrite):
    """The entries of `NAME.json` that stay, of other files of the same model."""
    taken = [path for path in (*targets, described) if os.path.lexists(path)]
    taken = [path for path in taken if path != described]
    if taken and not overwrite:
        raise FileExistsError(
            f"{', '.join(map(str, taken))} exists. Choose another folder or name, or "
            "pass overwrite=True (--overwrite) to replace it."
        )
    for path in taken:
        _check_replaceable(path)
    if not os.path.lexists(described):
        return {}
    try:
        found = read_description(described)
    except ValueError:
        found = None
    if found is not None and describes_same(found, description):
        return {
            k: v for k, v in found["files"].items() if (described.parent / k).exists()
        }
    if not overwrite:
        raise FileExistsError(
            f"{described} describes another model, or is a file of its own. Choose "
            "another folder or name, or pass overwrite=True (--overwrite) to replace "
            "it; its other files can then no longer be loaded."
        )
    return {}


def _check_replaceable(path):
    """Raises if a path is a folder that no export has written."""
    if not path.is_dir() or path.is_symlink():
        return
    if any(path.iterdir()) and not (path / "saved_model.pb").is_file():
        raise FileExistsError(
            f"{path} is a folder of something else, which would be lost. Choose "
            "another path."
        )


def _replace(draft, path):
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
    os.replace(draft, path)
