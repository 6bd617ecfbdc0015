"""A training run from its settings to its results."""

import json
import pathlib
import shutil

import keras

from keras_seg.data import SubsetSource
from keras_seg.inference import region_report
from keras_seg.training.build_model import build_model, compile_model
from keras_seg.training.copy_with import copy_with
from keras_seg.training.devices import Devices
from keras_seg.training.fit import fit
from keras_seg.training.lock_run import lock_run
from keras_seg.training.open_data import check_labelled, open_data, with_split
from keras_seg.training.open_run import open_run, settings_of_run
from keras_seg.training.replace_file import replace_file
from keras_seg.training.report import describe_run, evaluate, print_table
from keras_seg.training.report_page import write_report
from keras_seg.training.report_pictures import draw_crops
from keras_seg.training.run_error import RunError
from keras_seg.training.settings import resolve_settings, setting_groups
from keras_seg.training.split_source import SPLIT
from keras_seg.training.watch_learning import flat_loss, never_predicted

# What the model and the source bring, if they are given in Python.
BROUGHT = ("network", "start")
BROUGHT_SIZES = ("input_scale", "long_side")
KEPT_DATA = ("val_share", "max_images")


def train(
    model, data, output, validation_data=None, resume=False, callbacks=(), **settings
) -> dict:
    """Trains a model on a source with `model.fit`, evaluates it and saves it.

    It does what `keras-seg train` does: settings that are not given are chosen for the
    data, the run can be killed and resumed, and the folder gets weights, a preset,
    results and a report.

    Args:
        model: `keras_seg.models.Segmenter`. It is compiled anew, with the loss and the
            optimizer of the settings. A run that is resumed must be given the same
            model.
        data: Source of `(image, label)` pairs with `num_classes`, such as
            `keras_seg.data.SegmentationFolder`.
        output: Path of the folder of the run.
        validation_data: Source for validation. By default `val_share` of the images
            are kept, drawn with the seed.
        resume: Boolean. Whether to continue the run in the folder, if there is one.
        callbacks: List of further callbacks for `fit`.
        **settings: Settings that `keras-seg train --help` lists in the groups
            augmentation, training and run, such as `epochs`; also `val_share`,
            `max_images`, `val_scales` and `final_scale`.

    Returns:
        Dictionary, the content of `results.json`. The model has the best weights.

    Raises:
        RunError: If the run cannot begin or be resumed.
        OSError: If a file cannot be read or written, as on a full disk.

    Example:

    ```python
    import keras_seg

    model = keras_seg.ECENet(
        keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        num_classes=3,
        hidden_dim=8,
    )
    try:
        keras_seg.training.train(model, [], output="run", hidden_dim=16)
    except keras_seg.training.RunError as error:
        print(error)  # The model is given in Python: leave out hidden_dim ...
    ```
    """
    _check_python(model, data, settings)
    given = {**settings, "data": "python", "output": str(output)}
    folder = pathlib.Path(output)
    with Devices(1) as devices, lock_run(folder):
        args = resolve_settings(settings_of_run(folder, given, resume))
        if validation_data is not None:
            source, held_out = data, {"val": validation_data}
        else:
            source, held_out = with_split(args, data)
        source = _fewer(args, source)
        if args.long_side is None:
            args.long_side = model.long_side or 0
        run = open_run(args, source)
        # What the results say is what the model has.
        args.precision = model.dtype_policy.name
        args.rematerialize = model.rematerialize
        return _run(args, run, model, source, held_out, callbacks, devices)


def train_from_settings(given, resume=False, callbacks=()) -> dict:
    """Trains a model, evaluates it and saves it as a preset.

    The run can be killed and started again with `resume=True`; training continues with
    the epoch that was interrupted.

    Args:
        given: Dictionary of settings, see `keras_seg.training.settings`. Those that are
            not given are chosen for the data.
        resume: Boolean. Whether to continue the run in the folder, if there is one.
        callbacks: List of further callbacks for `fit`.

    Returns:
        Dictionary, the content of `results.json`; empty in all processes but the first.

    Raises:
        RunError: If the run cannot begin or be resumed.
        OSError: If a file cannot be read or written, as on a full disk.

    Example:

    ```python
    from keras_seg.training import RunError, train_from_settings

    try:
        train_from_settings({"data": "camvid"})
    except RunError as error:
        print(error)  # --output is missing ...
    ```
    """
    if not given.get("output"):
        raise RunError("--output is missing: name the folder of the run.")
    devices = Devices(given.get("devices"))
    with devices, devices.folder(given["output"]) as folder, lock_run(folder):
        if devices.is_first:
            given = settings_of_run(folder, given, resume)
        args = resolve_settings({**devices.share(given), "output": str(folder)})
        if args.data == "python":
            raise RunError(
                f"The run in {folder} was started in Python, with a model and data of "
                "its own: resume it with keras_seg.training.train(..., resume=True)."
            )
        devices.share_file(folder / SPLIT)
        source, held_out = open_data(args)
        source = _fewer(args, source)
        run = open_run(args, source)
        return _run(args, run, None, source, held_out, callbacks, devices)


def _check_python(model, data, settings):
    groups = setting_groups()
    brought = {name for group in BROUGHT for name in groups[group]}
    brought |= {*groups["data"], *BROUGHT_SIZES} - {*KEPT_DATA}
    for name in settings:
        if name in brought:
            raise RunError(
                f"The model is given in Python: leave out {name}. What belongs to the "
                "model and the data is set there."
            )
    for name, value in (
        ("precision", model.dtype_policy.name),
        ("rematerialize", model.rematerialize),
    ):
        if settings.get(name) not in (None, value):
            raise RunError(
                f"The model is given in Python with {name}={value!r}. Received: "
                f"{name}={settings[name]!r}. Leave it out, or make the model with it: "
                "`dtype` and `rematerialize` are arguments of models."
            )
    if settings.get("devices") not in (None, 1):
        raise RunError(
            "A model for several devices must be made in their scope. Use "
            "keras_seg.training.Devices and its `fit`, or keras-seg train --devices."
        )
    for name in ("__len__", "__getitem__"):
        if not hasattr(data, name):
            raise RunError(
                "`data` must be a source of (image, label) pairs, such as "
                f"keras_seg.data.SegmentationFolder. Received: {type(data)}. Train on "
                "batches, such as those of tf.data or a DataLoader, with model.fit."
            )
    classes = getattr(data, "num_classes", model.num_classes)
    if classes != model.num_classes:
        raise RunError(
            f"The model has {model.num_classes} classes and the data {classes}. Load "
            "the model with num_classes= and class_names= of the data."
        )


def _fewer(args, source):
    """At most `max_images` images of a source, drawn with the seed."""
    if not args.max_images:
        return source
    return SubsetSource(source, args.max_images, args.seed)


def _run(args, run, model, source, held_out, callbacks, devices):
    """Trains a model in the folder of a run, evaluates it and saves it."""
    check_labelled(held_out)
    with devices.scope():
        if model is None:
            model = build_model(args, source)
            if args.initial_weights:
                model.load_weights(args.initial_weights)
        compile_model(args, model)
    before, has_regions = None, getattr(model, "has_regions", False)
    if has_regions and "val" in held_out and devices.is_first:
        path = run.path / "regions_before.json"
        before = regions_before(devices.on_one_device(model), held_out["val"], path)
    val = held_out.get("val")
    with devices.scope():
        epochs_done = devices.synchronize(model, run.restore(model))
        print(
            f"{type(model).__name__}: {model.count_params():,} parameters, "
            f"{len(source)} training images, backend {keras.config.backend()}, "
            f"{epochs_done} epochs done",
            flush=True,
        )
        draw_crops(args, source, model, run.path)
        fit(args, model, source, val, run, epochs_done, devices, callbacks)
    if not devices.is_first:
        return {}
    model = devices.on_one_device(model)

    weights = "best.weights.h5" if "val" in held_out and run.best else "last.weights.h5"
    run.load_averages(model, weights)
    results = describe_run(vars(args), run, weights)
    results["parameters"] = model.count_params()
    if args.val_scales and "val" in held_out:
        model, results["val_by_scale"] = choose_scale(args, model, held_out["val"])
    if args.final_scale:
        model = copy_with(model, input_scale=args.final_scale)
    if before:
        results["regions_before"] = before
    details = {}
    for split, held in held_out.items():
        results[split], details[split] = evaluate(
            model, held, split, progress=args.verbose == 1, long_side=args.long_side
        )
        if has_regions:
            results[split]["regions"] = region_report(model, held)
        print_table(split, results[split])
    results["warnings"] = problems(args, run, model, details)
    save_preset(model, run.path / "preset")
    text = json.dumps(results, indent=2) + "\n"
    with replace_file(run.path / "results.json") as file:
        file.write_text(text)
    results = json.loads(text)  # what is returned is what was written
    write_report(args, run, model, held_out, results, details)
    print(f"\nThe model is {run.path / 'preset'}, the report {run.path}/report.html")
    return results


def problems(args, run, model, details):
    """What a user should know about the result, a list of sentences."""
    found = [flat_loss(run.lines, args.epochs, args.learning_rate)]
    if "val" in details:
        found.append(never_predicted(details["val"].confusion, model.class_names))
    return [problem for problem in found if problem]


def regions_before(model, val, path):
    """Metrics of the regions before training; a file keeps them for `--resume`."""
    if not path.exists():
        with replace_file(path) as file:
            file.write_text(json.dumps(region_report(model, val)) + "\n")
    return json.loads(path.read_text())


def choose_scale(args, model, val):
    """The trained model at the input scale that is best on val, and all scores."""
    scores = {}
    for scale in args.val_scales:
        candidate = copy_with(model, input_scale=scale)
        result, _ = evaluate(
            candidate, val, f"val at {scale}", long_side=args.long_side
        )
        scores[scale] = result["mean_iou"]
        print(f"val at input scale {scale}: {scores[scale]:.1%}")
        if scores[scale] == max(scores.values()):
            best = candidate
    return best, scores


def save_preset(model, path):
    """Saves a preset in place of the one in a folder, as a whole or not at all."""
    unfinished = path.with_name(f"unfinished-{path.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        model.save_to_preset(unfinished)
        shutil.rmtree(path, ignore_errors=True)
        unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
