r"""Runs a recipe for a few minutes on a few images, and tells whether the loss falls.

    python scripts/try_recipe.py --recipe cpt_ade20k_resnet_101 \
        --data-dir ADEChallengeData2016 --output runs/try

Network, losses, optimizer, schedule and augmentation are those of the recipe; images,
crops, batches, steps and warmup are few. Other options of `keras-seg train` replace
both. A learning rate for long training changes little in some dozen steps:
raise it with `--learning-rate`. A run that was killed goes on with `--resume`.

Training loss and mean IoU are measured on the training images, whole and at their own
size, before and after. They show that all parts work together, and nothing about
quality.
"""

import json
import pathlib
import platform
import sys

from keras_seg.data import SubsetSource
from keras_seg.training.build_model import build_model, compile_model
from keras_seg.training.devices import Devices
from keras_seg.training.fit import fit
from keras_seg.training.lock_run import lock_run
from keras_seg.training.open_data import open_data
from keras_seg.training.open_run import open_run, settings_of_run
from keras_seg.training.report import describe_run, evaluate
from keras_seg.training.settings import resolve_settings
from keras_seg_cli.train_options import parse_settings

SHORT = {
    "max_images": 4,
    "crop_size": [128, 128],
    "batch_size": 2,
    "epochs": 4,
    "steps_per_epoch": 10,
    "warmup_steps": 4,
}


def main(arguments=None):
    words = sys.argv[1:] if arguments is None else [str(word) for word in arguments]
    resume = "--resume" in words
    words = [word for word in words if word != "--resume"]
    i = words.index("--recipe") if "--recipe" in words else 0
    recipe, others = words[i : i + 2], [*words[:i], *words[i + 2 :]]
    given = {**parse_settings(recipe), **SHORT, **parse_settings(others)}
    folder = pathlib.Path(given["output"])
    with lock_run(folder):
        args = resolve_settings(settings_of_run(folder, given, resume))
        source, _ = open_data(args)
        return try_recipe(args, open_run(args, source), source)


def try_recipe(args, run, source):
    images = SubsetSource(source, args.max_images, args.seed)
    model = build_model(args, images)
    if args.initial_weights:
        model.load_weights(args.initial_weights)
    compile_model(args, model)
    before = iou_before(model, images, run)
    fit(args, model, images, None, run, run.restore(model), Devices(1))
    run.load_averages(model, "last.weights.h5")
    after = evaluate(model, images, "after")[0]["mean_iou"]
    steps = args.steps_per_epoch * len(run.lines)
    result = {
        "learns": run.lines[-1]["loss"] < run.lines[0]["loss"] and after > before,
        "loss": [line["loss"] for line in run.lines],
        "mean_iou": [before, after],
        "steps": steps,
        "seconds_per_step": 3600 * run.hours / steps,
        "peak_memory_gb": peak_memory(),
        "parameters": model.count_params(),
        **describe_run(vars(args), run, "last.weights.h5"),
    }
    (run.path / "tried.json").write_text(json.dumps(result, indent=2) + "\n")
    print(
        f"{steps} steps on {len(images)} images: mean loss of the epochs "
        f"{', '.join(f'{loss:.3f}' for loss in result['loss'])}; mean IoU "
        f"{before:.1%} before, {after:.1%} after; "
        f"{result['seconds_per_step']:.2f} s a step."
    )
    print("It learns." if result["learns"] else "It does NOT learn.")
    return 0 if result["learns"] else 1


def iou_before(model, images, run):
    """Mean IoU of the untrained model, kept in a file for `--resume`."""
    path = run.path / "before.json"
    if not (run.is_used and path.exists()):
        before, _ = evaluate(model, images, "before")
        path.write_text(json.dumps(before["mean_iou"]))
    return json.loads(path.read_text())


def peak_memory():
    """Peak memory of this process in GB, or `None` where it is not known."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if platform.system() == "Darwin" else 1024) / 1e9


if __name__ == "__main__":
    sys.exit(main())
