r"""Runs a recipe for a few minutes, on a few images, and says whether it learns them.

    python examples/try_recipe.py @examples/recipes/cpt_ade20k_resnet_101.txt \
        --data-dir ADEChallengeData2016 --output runs/try

Network, losses, optimizer, schedule and augmentation are the recipe's; images, crops,
batches, steps and warmup are few. Arguments of `train.py` that follow replace both. A
learning rate that is made for long training does little in some dozen steps: raise it
with `--learning-rate`. Can be killed and goes on with `--resume`.

Training loss and mean IoU of these very images, whole and at their own size, are those
before and after. They tell that all parts work together, and nothing about quality.
"""

import json
import platform
import sys

import train
from report import describe_run, evaluate

from keras_seg.data import SubsetSource

SHORT = """--max-images 4 --crop-size 128 128 --batch-size 2 --epochs 4
--steps-per-epoch 10 --warmup-steps 4""".split()


def main(arguments=None):
    words = sys.argv[1:] if arguments is None else [str(word) for word in arguments]
    recipe = [word for word in words if word.startswith("@")]
    others = [word for word in words if not word.startswith("@")]
    args = train.parse_arguments([*recipe, *SHORT, *others])
    run = train.open_run(args)
    images = SubsetSource(train.open_data(args)[0], args.max_images, args.seed)
    model = train.build_model(args, images)
    if args.initial_weights:
        model.load_weights(args.initial_weights)
    train.compile_model(args, model)
    before = iou_before(model, images, run)
    train.fit(args, model, images, None, run, run.restore(model))
    model.load_weights(run.path / "last.weights.h5")  # averages, where there are some
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
    """Mean IoU of the untrained model; a file keeps it for `--resume`."""
    path = run.path / "before.json"
    if not (run.is_used and path.exists()):
        path.write_text(json.dumps(evaluate(model, images, "before")["mean_iou"]))
    return json.loads(path.read_text())


def peak_memory():
    """Of this process, in GB; `None` where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if platform.system() == "Darwin" else 1024) / 1e9


if __name__ == "__main__":
    sys.exit(main())
