r"""Measures the trained entries of a comparison on corrupted images of val.

    python benchmarks/accuracy/corrupted.py runs/accuracy/camvid --data-dir CAMVID \
        --entries ecenet fpn --seeds 0 1 2 --severities 1 3 5

Appends a line for each run, corruption and severity to `corrupted.jsonl`, leaves out
those that are there, and writes `corrupted.md`. The corruptions are those of
`keras_seg.data.corrupt_image`, the same for all entries.
"""

import argparse
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from entries import ENTRIES, title_of
from recipe import add_recipe
from run import RESULTS, append_line, read_lines
from table import METRICS, by_entry, percent, row, verdict

from keras_seg.data.corruptions import CORRUPTIONS, SEVERITIES, CorruptedSource

CORRUPTED = "corrupted.jsonl"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", type=pathlib.Path, help="of run.py")
    add("--entries", nargs="+", required=True, metavar="NAME")
    add("--seeds", type=int, nargs="+", default=[0], metavar="N")
    add("--corruptions", nargs="+", default=CORRUPTIONS, choices=CORRUPTIONS)
    add("--severities", type=int, nargs="+", default=SEVERITIES, choices=SEVERITIES)
    add("--limit", type=int, metavar="N", help="only the first N images")
    add_recipe(parser)
    options = parser.parse_args()
    for seed in options.seeds:
        for entry in options.entries:
            measure(options, entry, seed)
    (options.folder / "corrupted.md").write_text(text_of(options.folder))
    print(text_of(options.folder))


def measure(options, entry, seed):
    """Appends what is missing of one run."""
    from scores import scores_on
    from trained import load_entry

    path = options.folder / CORRUPTED
    done = {
        (line["corruption"], line["severity"])
        for line in read_lines(path)
        if (line["entry"], line["seed"]) == (entry, seed)
    }
    jobs = [(name, n) for name in options.corruptions for n in options.severities]
    jobs = [job for job in jobs if job not in done]
    if not jobs:
        return
    model, source, _ = load_entry(options, options.folder, entry, seed)
    for name, severity in jobs:
        scores = scores_on(
            model, CorruptedSource(source, name, severity), options.limit
        )
        line = {"entry": entry, "seed": seed, "corruption": name, "severity": severity}
        line.update({key: scores[key] for key in ("images", *METRICS)})
        append_line(path, line)
        print(f"{entry}, seed {seed}, {name} {severity}: {line['mean_iou']:.1%}")


def text_of(folder):
    """The table: mean IoU for each corruption, averaged over its severities."""
    lines = read_lines(folder / CORRUPTED)
    kinds = [k for k in CORRUPTIONS if any(x["corruption"] == k for x in lines)]
    clean = {
        entry: [line["val"]["mean_iou"] for line in group]
        for entry, group in by_entry(read_lines(folder / RESULTS)).items()
    }
    runs = by_entry(lines)
    rows = []
    for entry in runs:
        other = ENTRIES[entry][3]
        cells = [title_of(entry), percent(clean[entry]) if entry in clean else ""]
        for kind in kinds:
            values = means_of(runs[entry], kind)
            cells.append(percent(values))
            if other in runs:
                cells[-1] += f"; {verdict(values, means_of(runs[other], kind))}"
        rows.append(row(cells))
    severities = sorted({line["severity"] for line in lines})
    heads = ["entry", "clean", *kinds]
    return "\n".join(
        [
            "# mIoU on corrupted images of val\n",
            f"Per cent, means of the severities {severities}, of "
            f"{sorted({line['images'] for line in lines})} images; mean ± standard "
            "deviation over seeds, then the difference to the entry that each is "
            "compared with.\n",
            row(heads),
            row(["---"] * len(heads)),
            *rows,
            "",
        ]
    )


def means_of(lines, kind):
    """The mean over the severities of a corruption, for each seed."""
    scores = {}
    for line in lines:
        if line["corruption"] == kind:
            scores.setdefault(line["seed"], []).append(line["mean_iou"])
    return [statistics.fmean(values) for values in scores.values()]


if __name__ == "__main__":
    main()
