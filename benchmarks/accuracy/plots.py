r"""Draws the results of a comparison.

    python benchmarks/accuracy/plots.py runs/accuracy/camvid --output docs/plots \
        --entries ecenet cpt sgr fpn segformer deeplabv3plus

Writes `latency.png` and `operations.png` (mIoU against each), `classes.png` (IoU of a
class) and `curves.png` (mIoU of the training crops, and of val where it was validated
more than once, over epochs), as far as the folder has the numbers. The loss is not
drawn: it has other terms in each method. Needs matplotlib:
`pip install 'keras-seg[plots]'`.
"""

import argparse
import json
import pathlib
import statistics
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from entries import title_of
from run import COSTS, RESULTS, read_lines
from table import by_entry

COLOURS = ("#1f77b4", "#e66e14", "#2a9d5c", "#b3334d", "#7a5ab5", "#8c6d31", "#4d4d4d")
HATCHES, DASHES = ("", "///", "..."), ("-", "--", ":")  # for more entries than colours
# Where names stand beside their points, so that those of neighbours do not overlap.
LABELS = (
    {"xytext": (6, 4), "ha": "left"},
    {"xytext": (-6, 4), "ha": "right"},
    {"xytext": (6, -10), "ha": "left"},
)
WIDTH, HEIGHT, DPI = 7.0, 4.2, 90


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="of run.py")
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--split", default="val", choices=["val", "test"])
    parser.add_argument("--entries", nargs="+", metavar="NAME", help="default: all")
    options = parser.parse_args()
    pyplot = load_pyplot()
    lines = [x for x in read_lines(options.folder / RESULTS) if options.split in x]
    runs = by_entry(lines)
    chosen = options.entries or list(runs)
    if missing := sorted(set(chosen) - set(runs)):
        raise SystemExit(
            f"{options.folder} has no results on {options.split} of "
            f"{', '.join(missing)}, but of: {', '.join(runs) or 'nothing'}."
        )
    runs = {entry: runs[entry] for entry in chosen}
    if not runs:
        raise SystemExit(f"{options.folder} has no results on {options.split}.")
    costs = {line["entry"]: line for line in read_lines(options.folder / COSTS)}
    options.output.mkdir(parents=True, exist_ok=True)
    figures = {
        "latency": against(pyplot, runs, costs, options.split, "ms", "ms an image"),
        "operations": against(pyplot, runs, costs, options.split, "gflops", "GFLOPs"),
        "classes": class_bars(pyplot, runs, options.split),
        "curves": learning_curves(pyplot, runs, options.folder),
    }
    for name, figure in figures.items():
        if figure is None:
            print(f"{name}.png is left out: the folder lacks the numbers for it.")
            continue
        figure.tight_layout()
        figure.savefig(options.output / f"{name}.png", dpi=DPI)
        print(options.output / f"{name}.png")


def load_pyplot():
    try:
        import matplotlib
    except ImportError:
        raise SystemExit(
            "Plots need matplotlib: pip install 'keras-seg[plots]'."
        ) from None
    matplotlib.use("Agg")  # no screen
    from matplotlib import pyplot

    return pyplot


def colour_of(index):
    return COLOURS[index % len(COLOURS)]


def against(pyplot, runs, costs, split, key, label):
    """Mean IoU against a cost.

    The upright bars are standard deviations over seeds, the level ones reach from the
    fastest process to the slowest.
    """
    points = []
    for index, (entry, group) in enumerate(runs.items()):
        cost = costs.get(entry, {}).get(key)
        if cost is not None:
            values = [100 * line[split]["mean_iou"] for line in group]
            several = costs[entry].get(f"{key}_of_processes", [cost])
            points.append((index, entry, (cost, several), values))
    if not points:
        return None
    figure, axes = pyplot.subplots(figsize=(WIDTH, HEIGHT))
    points.sort(key=lambda point: -statistics.fmean(point[3]))
    for place, (index, entry, (cost, several), values) in enumerate(points):
        mean = statistics.fmean(values)
        axes.errorbar(
            cost,
            mean,
            xerr=[[cost - min(several)], [max(several) - cost]],
            yerr=statistics.stdev(values) if len(values) > 1 else None,
            fmt="o",
            color=colour_of(index),
            capsize=3,
        )
        axes.annotate(
            title_of(entry),
            (cost, mean),
            textcoords="offset points",
            fontsize=8,
            **LABELS[place % len(LABELS)],
        )
    axes.set_xlabel(label)
    axes.set_ylabel(f"mIoU on {split}, per cent")
    axes.set_xlim(0, 1.4 * max(cost for _, _, (cost, _), _ in points))  # for names
    axes.grid(color="#e1e4e8")
    return figure


def class_bars(pyplot, runs, split):
    """IoU of each class, a bar for each entry."""
    names = list(next(iter(runs.values()))[0][split]["class_iou"])
    width = max(WIDTH, 0.1 * len(names) * len(runs) + 2)
    figure, axes = pyplot.subplots(figsize=(min(width, 14), HEIGHT))
    thickness = 0.8 / len(runs)
    for index, (entry, group) in enumerate(runs.items()):
        means = []
        for name in names:
            values = [line[split]["class_iou"][name] for line in group]
            values = [value for value in values if value is not None]
            means.append(100 * statistics.fmean(values) if values else 0)
        places = [x + index * thickness for x in range(len(names))]
        axes.bar(
            places,
            means,
            thickness,
            color=colour_of(index),
            hatch=HATCHES[index // len(COLOURS) % len(HATCHES)],
            edgecolor="white",
            linewidth=0,
            label=title_of(entry),
        )
    axes.set_xticks(
        [x + 0.4 - thickness / 2 for x in range(len(names))],
        names,
        rotation=90 if len(names) > 12 else 40,
        ha="center" if len(names) > 12 else "right",
        fontsize=8,
    )
    axes.set_ylabel(f"IoU on {split}, per cent")
    axes.legend(
        fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), frameon=False
    )
    axes.grid(axis="y", color="#e1e4e8")
    axes.set_axisbelow(True)
    return figure


def learning_curves(pyplot, runs, folder):
    """Mean IoU over the epochs, a line for each run."""
    curves = {"mean_iou": [], "val_mean_iou": []}
    for index, (entry, group) in enumerate(runs.items()):
        for line in group:
            path = folder / f"{entry}-seed{line['seed']}" / "history.jsonl"
            lines = path.read_text().splitlines() if path.exists() else []
            lines = [json.loads(text) for text in lines]
            for key, found in curves.items():
                points = [(x["epoch"], 100 * x[key]) for x in lines if key in x]
                if len(points) > 1:
                    found.append((index, entry, points))
    curves = {key: found for key, found in curves.items() if found}
    if not curves:
        return None
    titles = {"mean_iou": "of the training crops", "val_mean_iou": "on val"}
    figure, panels = pyplot.subplots(
        1, len(curves), figsize=(WIDTH * (1 + 0.4 * (len(curves) - 1)), HEIGHT)
    )
    for axes, (key, found) in zip(np.atleast_1d(panels), curves.items(), strict=True):
        named = set()
        for index, entry, points in found:
            axes.plot(
                *zip(*points, strict=True),
                color=colour_of(index),
                linestyle=DASHES[index // len(COLOURS) % len(DASHES)],
                label=None if entry in named else title_of(entry),
                linewidth=1.2,
            )
            named.add(entry)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"mIoU {titles[key]}, per cent")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="#e1e4e8")
        axes.legend(fontsize=8, loc="lower right")
    return figure


if __name__ == "__main__":
    main()
