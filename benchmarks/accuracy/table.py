"""The table of a comparison, made from its files of results.

    python benchmarks/accuracy/table.py runs/accuracy/camvid

A difference is only called one where it is larger than the spread of the seeds: where
the interval of 95 % confidence of the difference of the two means (Student's t, equal
variances) leaves out 0. Otherwise the table says "none", and "one seed" where nothing
is known about chance.
"""

import json
import math
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

METRICS = {
    "mean_iou": "mIoU",
    "boundary_iou": "boundary IoU",
    "pixel_accuracy": "pixel accuracy",
    "calibration_error": "calibration error",
}
FEWEST_SEEDS = 2
# Quantiles of 0.975 of Student's t distribution, by degrees of freedom.
STUDENT = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306}
STUDENT_MORE = 2.262


def write(folder):
    """Writes `table.md` in the folder of a comparison and returns its text."""
    from run import COSTS, RECIPE, RESULTS, read_lines

    lines = read_lines(folder / RESULTS)
    costs = {line["entry"]: line for line in read_lines(folder / COSTS)}
    recipe = json.loads((folder / RECIPE).read_text())
    text = "\n".join(pages(lines, costs, recipe)) + "\n"
    (folder / "table.md").write_text(text)
    return text


def pages(lines, costs, recipe):
    """The lines of the table, in Markdown."""
    yield f"# Accuracy on {recipe['data']}\n"
    if not lines:
        yield "There are no results yet."
        return
    runs = by_entry(lines)
    for split in ("val", "test"):
        found = {
            entry: [line[split] for line in group if split in line]
            for entry, group in runs.items()
        }
        found = {entry: scores for entry, scores in found.items() if scores}
        if found:
            yield from scores_of_split(split, found, runs, costs)
            yield from classes_of_split(split, found)
    yield from notes(lines, costs, recipe)


def by_entry(lines):
    from entries import ENTRIES

    names = [name for name in ENTRIES if any(x["entry"] == name for x in lines)]
    return {name: [x for x in lines if x["entry"] == name] for name in names}


def scores_of_split(split, found, runs, costs):
    from entries import ENTRIES, title_of

    heads = ["entry", "seeds", *METRICS.values(), "against", "difference in mIoU"]
    heads += ["parameters", "GFLOPs", "ms", "peak MB", "minutes"]
    yield f"## {split}, {first(found)['images']} images\n"
    yield row(heads)
    yield row(["---"] * len(heads))
    for entry, scores in found.items():
        other, cost = ENTRIES[entry][3], costs.get(entry, {})
        difference = ["", ""]
        if other in found:
            values = [[x["mean_iou"] for x in found[name]] for name in (entry, other)]
            difference = [title_of(other), verdict(*values)]
        minutes = statistics.fmean(line["minutes"] for line in runs[entry])
        yield row(
            [
                title_of(entry),
                len(scores),
                *(percent([x[metric] for x in scores]) for metric in METRICS),
                *difference,
                f"{runs[entry][0]['parameters'] / 1e6:.2f} M",
                cost.get("gflops", ""),
                time_of(cost),
                cost.get("peak_mb", ""),
                f"{minutes:.1f}",
            ]
        )
    yield ""


def time_of(cost):
    """Milliseconds, with those of the fastest and the slowest process."""
    if "ms_of_processes" not in cost:
        return cost.get("ms", "")
    times = cost["ms_of_processes"]
    return f"{cost['ms']:.0f} ({times[0]:.0f} to {times[-1]:.0f})"


def classes_of_split(split, found):
    from entries import title_of

    names = list(first(found)["class_iou"])
    yield f"## IoU of each class, {split}\n"
    yield row(["class", *map(title_of, found)])
    yield row(["---"] * (len(found) + 1))
    for name in names:
        cells = []
        for scores in found.values():
            values = [x["class_iou"][name] for x in scores]
            values = [value for value in values if value is not None]
            cells.append(percent(values) if values else "-")
        yield row([name, *cells])
    yield ""


def notes(lines, costs, recipe):
    yield "Per cent, mean ± standard deviation over seeds. "
    yield (
        '"none": the interval of 95 % confidence of the difference contains 0, "one '
        'seed": chance is not known.\n'
    )
    for key in ("commit", "command", "backend", "hardware", "load", "date"):
        yield f"- {key}: {'; '.join(sorted({str(line[key]) for line in lines}))}"
    for line in list(costs.values())[:1]:
        height, width = line["size"]
        yield (
            f"- ms and peak MB: `segment`, {height} x {width}, {line['backend']}, "
            f"{line['hardware']}, threads {line['threads']}, {line['date']}"
        )
    yield f"- recipe: `{json.dumps(recipe)}`"


def verdict(values, others):
    """The difference of two entries, if it is more than chance.

    Args:
        values, others: Lists of shares, one for each seed.

    Returns:
        String: the difference in points, `"none (...)"`, or that there is one seed.
    """
    points = 100 * (statistics.fmean(values) - statistics.fmean(others))
    if min(len(values), len(others)) < FEWEST_SEEDS:
        return f"one seed ({points:+.1f})"
    spread = 100 * half_width(values, others)
    if abs(points) <= spread:
        return f"none ({points:+.1f}, spread {spread:.1f})"
    return f"{points:+.1f} (spread {spread:.1f})"


def half_width(values, others):
    """Half the interval of confidence of the difference of two means."""
    freedom = len(values) + len(others) - 2
    squares = sum(statistics.variance(x) * (len(x) - 1) for x in (values, others))
    error = math.sqrt(squares / freedom * (1 / len(values) + 1 / len(others)))
    return STUDENT.get(freedom, STUDENT_MORE) * error


def percent(values):
    """Mean and standard deviation in per cent."""
    text = f"{100 * statistics.fmean(values):.1f}"
    if len(values) > 1:
        text += f" ± {100 * statistics.stdev(values):.1f}"
    return text


def first(found):
    return next(iter(found.values()))[0]


def row(cells):
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(write(pathlib.Path(name)))
