r"""Runs a recipe for a few minutes on a few images, and tells whether the loss falls.

    python scripts/try_recipe.py @examples/recipes/cpt_ade20k_resnet_101.txt \
        --data-dir ADEChallengeData2016 --output runs/try

Network, losses, optimizer, schedule and augmentation are those of the recipe; images,
crops, batches, steps and warmup are few. Arguments of `examples/train.py` that follow
replace both. A learning rate for long training changes little in some dozen steps:
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
from keras_seg.training.fit import fit
from keras_seg.training.lock_run import lock_run
from keras_seg.training.open_data import open_data
from keras_seg.training.report import describe_run, evaluate
from keras_seg.training.train import open_run
from keras_seg.training.train_arguments import train_arguments

SHORT = """--max-images 4 --crop-size 128 128 --batch-size 2 --epochs 4
--steps-per-epoch 10 --warmup-steps 4""".split()


def main(arguments=None):
    words = sys.argv[1:] if arguments is None else [str(word) for word in arguments]
    recipe = [word for word in words if word.startswith("@")]
    others = [word for word in words if not word.startswith("@")]
    args = train_arguments([*recipe, *SHORT, *others])
    with lock_run(pathlib.Path(args.output)):
        return try_recipe(args, open_run(args))


def try_recipe(args, run):
    images = SubsetSource(open_data(args)[0], args.max_images, args.seed)
    model = build_model(args, images)
    if args.initial_weights:
        model.load_weights(args.initial_weights)
    compile_model(args, model)
    before = iou_before(model, images, run)
    fit(args, model, images, None, run, run.restore(model))
    run.load_averages(model, "last.weights.h5")
    after = evaluate(model, images, "after")["mean_iou"]
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
        path.write_text(json.dumps(evaluate(model, images, "before")["mean_iou"]))
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
