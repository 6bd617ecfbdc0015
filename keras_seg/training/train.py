"""A training run from its arguments to its results."""

import json
import pathlib
import shutil

import keras

from keras_seg.data import SubsetSource
from keras_seg.inference import region_report
from keras_seg.training.build_model import build_model, compile_model
from keras_seg.training.copy_with import copy_with
from keras_seg.training.fit import fit
from keras_seg.training.lock_run import lock_run
from keras_seg.training.open_data import open_data
from keras_seg.training.replace_file import replace_file
from keras_seg.training.report import describe_run, evaluate, print_table
from keras_seg.training.run_arguments import check_arguments, write_arguments
from keras_seg.training.run_error import RunError
from keras_seg.training.run_folder import RunFolder
from keras_seg.training.train_arguments import train_arguments


def train_from_arguments(arguments=None):
    """Trains a model, measures it and saves it as a preset.

    The run can be killed and started again with the same arguments and `--resume`;
    training goes on with the epoch that was interrupted.

    Args:
        arguments: List of strings; `None` takes those of the process. `--help` lists
            them.

    Raises:
        RunError: If the run cannot begin or go on.
        OSError: If a file cannot be read or written, as on a full disk.
        SystemExit: If the arguments do not fit together, and after `--help`.

    Example:

    ```python
    from keras_seg.training import train_from_arguments

    try:
        train_from_arguments(["--data", "camvid", "--output", "run"])
    except SystemExit:
        print("--data camvid needs --data-dir")
    ```
    """
    args = train_arguments(arguments)
    with lock_run(pathlib.Path(args.output)):
        train(args, open_run(args))


def train(args, run):
    """Trains a model in the folder of a run, measures it and saves it."""
    source, held_out = open_data(args)
    if args.max_images:
        source = SubsetSource(source, args.max_images, args.seed)
    model = build_model(args, source)
    if args.initial_weights:
        model.load_weights(args.initial_weights)
    compile_model(args, model)
    before = None
    if model.has_regions and "val" in held_out:
        before = regions_before(
            model, held_out["val"], run.path / "regions_before.json"
        )
    epochs_done = run.restore(model)
    print(
        f"{type(model).__name__}: {model.count_params():,} parameters, {len(source)} "
        f"training images, backend {keras.config.backend()}, {epochs_done} epochs done"
    )
    fit(args, model, source, held_out.get("val"), run, epochs_done)

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
    for split, held in held_out.items():
        results[split] = evaluate(model, held, split, progress=args.verbose == 1)
        if model.has_regions:
            results[split]["regions"] = region_report(model, held)
        print_table(split, results[split])
    save_preset(model, run.path / "preset")
    with replace_file(run.path / "results.json") as file:
        file.write_text(json.dumps(results, indent=2) + "\n")


def open_run(args):
    """The folder of the run, if what it holds may go on with these arguments."""
    if args.precision == "mixed_float16" and keras.config.backend() == "jax":
        if all("cpu" in device for device in keras.distribution.list_devices()):
            raise RunError(
                "On a CPU, JAX lacks products in float16 that some of the models need. "
                "Take --precision mixed_bfloat16, or another backend."
            )
    keras.utils.set_random_seed(args.seed)
    keras.config.set_dtype_policy(args.precision)
    output = pathlib.Path(args.output)
    run = RunFolder(output, args.steps_per_epoch, note={"split": args.split})
    if not run.is_used:
        (output / "regions_before.json").unlink(missing_ok=True)
        write_arguments(output, args)
    elif args.resume:
        check_arguments(output, args)
    else:
        raise RunError(
            f"{output} holds a run already. Continue it with --resume, or name "
            "another --output."
        )
    return run


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
        scores[scale] = evaluate(candidate, val, f"val at {scale}")["mean_iou"]
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
