r"""Draws the results of a comparison.

    python benchmarks/accuracy/plots.py runs/accuracy/camvid --output docs/plots

Writes `latency.png` and `operations.png` (mIoU against each), `classes.png` (IoU of a
class) and `curves.png` (loss, and mIoU where it was validated, over epochs), as far
as the folder has the numbers. Needs matplotlib: `pip install 'keras-seg[plots]'`.
"""

import argparse
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from entries import title_of
from run import COSTS, RESULTS, read_lines
from table import by_entry

COLOURS = ("#1f77b4", "#e66e14", "#2a9d5c", "#b3334d", "#7a5ab5", "#8c6d31", "#4d4d4d")
WIDTH, HEIGHT, DPI = 7.0, 4.2, 90


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="of run.py")
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--split", default="val", choices=["val", "test"])
    options = parser.parse_args()
    pyplot = load_pyplot()
    lines = [x for x in read_lines(options.folder / RESULTS) if options.split in x]
    if not lines:
        raise SystemExit(f"{options.folder} has no results on {options.split}.")
    runs = by_entry(lines)
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
    """Mean IoU against a cost; the bars are standard deviations over seeds."""
    points = []
    for index, (entry, group) in enumerate(runs.items()):
        cost = costs.get(entry, {}).get(key)
        if cost is not None:
            values = [100 * line[split]["mean_iou"] for line in group]
            points.append((index, entry, cost, values))
    if not points:
        return None
    figure, axes = pyplot.subplots(figsize=(WIDTH, HEIGHT))
    for index, entry, cost, values in points:
        mean = statistics.fmean(values)
        spread = statistics.stdev(values) if len(values) > 1 else None
        axes.errorbar(
            cost, mean, yerr=spread, fmt="o", color=colour_of(index), capsize=3
        )
        axes.annotate(
            title_of(entry),
            (cost, mean),
            xytext=(6, 4),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xlabel(label)
    axes.set_ylabel(f"mIoU on {split}, per cent")
    axes.set_xlim(0, 1.4 * max(cost for _, _, cost, _ in points))  # room for names
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
            places, means, thickness, color=colour_of(index), label=title_of(entry)
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
    """Loss and mean IoU on val over the epochs, a line for each run."""
    histories = []
    for index, (entry, group) in enumerate(runs.items()):
        for line in group:
            path = folder / f"{entry}-seed{line['seed']}" / "history.jsonl"
            if path.exists():
                lines = [json.loads(text) for text in path.read_text().splitlines()]
                histories.append((index, entry, lines))
    if not histories:
        return None
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(WIDTH * 1.3, HEIGHT))
    named = set()
    for index, entry, lines in histories:
        label = None if entry in named else title_of(entry)
        named.add(entry)
        for axes, key, factor in ((left, "loss", 1), (right, "val_mean_iou", 100)):
            points = [(x["epoch"], factor * x[key]) for x in lines if key in x]
            axes.plot(
                *zip(*points, strict=True),
                color=colour_of(index),
                label=label,
                marker="." if len(points) < 3 else None,
                linewidth=1.2,
            )
    left.set_ylabel("loss of the training")
    right.set_ylabel("mIoU on val, per cent")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="#e1e4e8")
    left.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    main()
