r"""Trains variants of a method with one recipe and compares them on val.

    python scripts/ablation.py --variants cpt --seeds 0 1 --output runs/ablation -- \
        --data-dir CAMVID --backbone-weights imagenet --epochs 10

What follows `--` are options of `keras-seg train`, the same for all variants. The
script can be killed and started again: finished runs are kept, and the one that was
interrupted goes on. The test split is never used. `table.md` and `results.json` in the
output folder are written anew after each run.
"""

import argparse
import json
import pathlib

from variants import conditions, mean_and_spread, percent, run_all

from keras_seg.training.report import table

STRIDE_32 = ["--pyramid-levels", "P5"]
SOURCES = {
    source: ["--model", "cpt", "--source", source]
    for source in ("bilinear", "pixels", "prototypes", "memory")
}
VARIANTS = {
    "cpt": SOURCES,
    "cpt-stride-32": {name: [*words, *STRIDE_32] for name, words in SOURCES.items()},
    "sgr": {
        "no-reasoner": ["--model", "sgr", "--regions", "0"],
        "no-region-loss": ["--model", "sgr", "--regions", "64", "--region-weight", "0"],
        "region-loss": ["--model", "sgr", "--regions", "64"],
    },
}

METRICS = ("mean_iou", "pixel_accuracy")


def main(arguments=None):
    args, recipe = parse_arguments(arguments)
    output = pathlib.Path(args.output)
    variants = {
        name: words
        for name, words in VARIANTS[args.variants].items()
        if not args.only or name in args.only
    }
    if not variants:
        raise SystemExit(
            f"--only {' '.join(args.only)} leaves nothing of --variants "
            f"{args.variants}: {', '.join(VARIANTS[args.variants])}."
        )
    text = ""
    for done in run_all(variants, args.seeds, recipe, output):
        text = write(args.variants, done, output)
    print(f"\n{text}")


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--variants", choices=VARIANTS, required=True)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of them")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N")
    parser.add_argument("--output", required=True, help="folder for runs and table")
    args, rest = parser.parse_known_args(arguments)
    return args, [word for word in rest if word != "--"]


def write(title, done, output):
    """Writes the files and returns the table of the finished runs."""
    done = {name: runs for name, runs in done.items() if runs}
    every = [run for runs in done.values() for run in runs]
    regions = list(next((r["val"]["regions"] for r in every if has_regions(r)), {}))
    rows = []
    for name, runs in done.items():
        row = [name, len(runs), f"{runs[0]['parameters']:,}"]
        row += [percent([r["val"][key] for r in runs]) for key in METRICS]
        if has_regions(runs[0]):
            row += [
                percent([r["val"]["regions"][key] for r in runs]) for key in regions
            ]
            # The same for all variants: a seed gives them the same first weights.
            before = [
                percent([r["regions_before"][key] for r in runs]) for key in regions
            ]
        rows.append(row)
    if regions:
        rows.append(["before training", "", "", "", "", *before])
    heads = ["variant", "runs", "parameters", "mIoU", "pixel accuracy"]
    heads += [key.replace("_", " ") for key in regions]
    facts = conditions(every)
    text = f"""# Variants of {title} on val

Per cent, mean ± standard deviation over seeds.

{table(heads, [row + [""] * (len(heads) - len(row)) for row in rows])}

"""
    text += "".join(f"- {key}: {value}\n" for key, value in facts.items())
    summary = {
        name: {key: mean_and_spread([r["val"][key] for r in runs]) for key in METRICS}
        for name, runs in done.items()
    }
    (output / "table.md").write_text(text)
    (output / "results.json").write_text(
        json.dumps({**facts, "summary": summary, "runs": done}, indent=2) + "\n"
    )
    return text


def has_regions(run):
    return "regions" in run["val"]


if __name__ == "__main__":
    main()
