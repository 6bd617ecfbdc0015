r"""Does reasoning over regions help on another task? Two trained networks, compared.

    python scripts/transfer.py --preset runs/sgr/preset --against runs/plain/preset \
        --max-images 50 --seeds 0 1 2 --output runs/transfer -- \
        --data folder --images PHOTOS --masks MASKS --num-classes 31 \
        --val-images VAL_PHOTOS --val-masks VAL_MASKS --epochs 10

`--preset` reasons over latent regions; `--against` is the same network without a
reasoner, trained on the same data with the same recipe and `--regions 0`. Both get a
new classifier for the classes of the new data and are trained on a few of its images:
all weights, or with `--freeze` the classifier alone. The seed determines the images,
which are the same for both networks. What follows `--` are options of
`keras-seg train`.

The gain is measured on val. `table.md` and `results.json` in the output folder are
written anew after each run; the same command continues a comparison that was killed.
"""

import argparse
import json
import pathlib

from variants import conditions, mean_and_spread, percent, run_all

from keras_seg import models
from keras_seg.training.report import table

# Both are trained with the labels alone and at the same scale, and are measured with
# the last weights, not with those of an epoch chosen on val.
RECIPE = """--region-weight=0 --input-scale=1.0 --long-side=0 --validate-every=0
--crop-size 192 256 --batch-size=8 --epochs=26 --steps-per-epoch=100
--learning-rate=3e-4 --ema=0.995""".split()
METRICS = {"mean_iou": "mIoU", "pixel_accuracy": "pixel accuracy"}
# What may differ: the reasoner, its losses, and what the new task brings.
FREE = {"reasoner", "auxiliary_weights", "name", "preprocessor", "input_scale"}
FREE |= {"num_classes", "class_names", "palette", "temperature", "ignore_class"}


def main(arguments=None):
    args, rest = parse_arguments(arguments)
    differences = check_networks(args.preset, args.against)
    output = pathlib.Path(args.output)
    recipe = [*RECIPE, *rest]  # what stands later wins
    if args.max_images:
        recipe.append(f"--max-images={args.max_images}")
    if args.freeze:
        recipe.append("--freeze")
    networks = {
        "reasoner": ["--preset", args.preset],
        "without": ["--preset", args.against],
    }
    for done in run_all(networks, args.seeds, recipe, output):
        if done["without"]:
            text = write(args, done, differences, output)
    print(f"\n{text}")


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--preset", required=True, help="name or folder, of a model with a reasoner")
    add("--against", required=True, help="name or folder, of the one without")
    add("--max-images", type=int, metavar="N", help="to train on; all by default")
    add("--freeze", action="store_true", help="train the new classifiers alone")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    add("--output", required=True, help="folder for runs and table")
    args, rest = parser.parse_known_args(arguments)
    return args, [word for word in rest if word != "--"]


def check_networks(preset, against):
    """The differences besides the reasoner, as text; there should be none."""
    first, second = (models.load_model(name) for name in (preset, against))
    if not first.has_regions or second.has_regions:
        raise SystemExit(
            "--preset must reason over regions, and --against must not. Received: "
            f"{preset} {'with' if first.has_regions else 'without'} a reasoner, "
            f"{against} {'with' if second.has_regions else 'without'}."
        )
    configs = [model.get_config() for model in (first, second)]
    for config in configs:
        backbone = dict(config["backbone"]["config"])
        backbone.pop("name")
        config["backbone"] = backbone
    return [
        f"{key} is {value} and {configs[1].get(key)}"
        for key, value in configs[0].items()
        if key not in FREE and value != configs[1].get(key)
    ]


def write(args, done, differences, output):
    """Writes the files and returns the table of the finished seeds."""
    pairs = list(zip(done["reasoner"], done["without"], strict=False))
    every = [run for pair in pairs for run in pair]
    scores = {
        key: [tuple(run["val"][key] for run in pair) for pair in pairs]
        for key in METRICS
    }
    heads, rows, summary = ["seed"], [[pair[0]["seed"]] for pair in pairs], {}
    rows.append(["all"])
    for key, title in METRICS.items():
        heads += [f"{title}: reasoner", "without", "gain"]
        gains = [a - b for a, b in scores[key]]
        firsts, seconds = zip(*scores[key], strict=True)
        for row, (a, b) in zip(rows, scores[key], strict=False):
            row += [percent([a]), percent([b]), percent([a - b], "+")]
        rows[-1] += [percent(firsts), percent(seconds), percent(gains, "+")]
        parts = {"reasoner": firsts, "without": seconds, "gain": gains}
        summary[key] = {name: mean_and_spread(x) for name, x in parts.items()}
    facts = {
        "networks": " and ".join(r["arguments"]["preset"] for r in every[:2]),
        "differences": "; ".join(differences) or "the reasoner alone",
        "trained": "the classifier alone" if args.freeze else "all weights",
        "training images": args.max_images or "all",
        "parameters": " and ".join(f"{run['parameters']:,}" for run in every[:2]),
        **conditions(every),
    }
    text = "# What the reasoner brings to another task\n\n"
    text += "Val, per cent; the last row is mean ± standard deviation.\n\n"
    text += f"{table(heads, rows)}\n\n"
    text += "".join(f"- {key}: {value}\n" for key, value in facts.items())
    (output / "table.md").write_text(text)
    (output / "results.json").write_text(
        json.dumps({**facts, "summary": summary, "runs": done}, indent=2) + "\n"
    )
    return text


if __name__ == "__main__":
    main()
