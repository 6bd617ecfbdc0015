r"""Trains entries with one recipe and appends their scores to a file.

    python benchmarks/accuracy/run.py --entries ecenet fpn --seeds 0 1 2 \
        --data camvid --data-dir CAMVID --backbone-weights WEIGHTS \
        --output runs/accuracy/camvid

Backbone weights, data, augmentation, schedule, losses of the labels, and evaluation are
the same for all. Each run is a process of its own. The command can be killed and
started again: entries that are done are left out, and a run that was interrupted goes
on with the epoch where it was. In the folder of --output:

    recipe.json     the recipe, which later calls must have as well
    results.jsonl   one line for each run
    costs.jsonl     parameters, operations, time and memory, one line for each entry
    table.md        made of both, see table.py
    ENTRY-seedN/    the files of a run, see docs/training.md
"""

import argparse
import datetime
import json
import pathlib
import shlex
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from recipe import add_recipe, kept_in_file, recipe_of

RESULTS, COSTS, RECIPE = "results.jsonl", "costs.jsonl", "recipe.json"
PARTS = ("cpt", "ecenet", "fpn", "sgr", "segformer", "deeplabv3plus")


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.job:
        entry, seed = options.job
        print(json.dumps(train_entry(options, entry, int(seed))))
        return
    recipe = recipe_of(options)
    check_split(options)
    check_recipe(options.output, recipe)
    jobs = [(entry, seed) for seed in options.seeds for entry in options.entries]
    failed = []
    for entry, seed in jobs:
        if is_done(options.output, entry, seed):
            continue
        print(f"\n=== {entry}, seed {seed}", flush=True)
        line = run_job(arguments, entry, seed)
        if line is None:
            failed.append(f"{entry}, seed {seed}")
            continue
        append_line(options.output / RESULTS, line)
        write_table(options.output)
    if options.costs:
        measure_costs(options)
    write_table(options.output)
    if failed:
        raise SystemExit(f"These runs failed, see above: {'; '.join(failed)}.")


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--entries", nargs="+", default=PARTS, metavar="NAME", help="see entries.py")
    add("--seeds", type=int, nargs="+", default=[0], metavar="N")
    add("--output", type=pathlib.Path, required=True, metavar="DIR")
    add("--limit", type=int, metavar="N", help="val: only the first N images")
    add("--final", action="store_true", help="CamVid: measure test as well")
    add("--costs", action="store_true", help="measure time, memory and operations")
    add("--job", nargs=2, help=argparse.SUPPRESS)  # the process of one run
    add_recipe(parser)
    return parser.parse_args(arguments)


def check_split(options):
    if options.train_split and (options.data != "camvid" or options.share < 1):
        raise SystemExit(
            f"--train-split {options.train_split} needs --data camvid and no --share. "
            f"Received: --data {options.data} --share {options.share}."
        )


def check_recipe(folder, recipe):
    """Stores the recipe of a new comparison, or compares it with the stored one."""
    folder.mkdir(parents=True, exist_ok=True)
    path, kept = folder / RECIPE, json.loads(json.dumps(kept_in_file(recipe)))
    if not path.exists():
        path.write_text(json.dumps(kept, indent=1) + "\n")
        return
    stored = json.loads(path.read_text())
    names = sorted({*kept, *stored})
    changed = [
        f"{name}: {stored.get(name)} there, {kept.get(name)} here"
        for name in names
        if stored.get(name) != kept.get(name)
    ]
    if changed:
        raise SystemExit(
            f"{folder} holds a comparison with another recipe ({'; '.join(changed)}). "
            "Runs of two recipes cannot be compared: name another --output."
        )


def read_lines(path):
    """The lines of a file of results; a last one that was cut off is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            print(f"{path}: an incomplete line is left out.")
    return lines


def append_line(path, line):
    """Appends a line, and first ends one that was cut off."""
    before = path.read_bytes() if path.exists() else b""
    with path.open("a") as file:
        if before and not before.endswith(b"\n"):
            file.write("\n")
        file.write(json.dumps(line) + "\n")


def is_done(folder, entry, seed):
    lines = read_lines(folder / RESULTS)
    return any((x["entry"], x["seed"]) == (entry, seed) for x in lines)


def run_job(arguments, entry, seed):
    """The line of a run that a process of its own makes; `None` if it failed."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    job = ["--job", entry, str(seed)]
    process = subprocess.Popen(
        [sys.executable, __file__, *words, *job], stdout=subprocess.PIPE, text=True
    )
    last = ""
    for text in process.stdout:
        if last:
            print(last, end="", flush=True)
        last = text
    if process.wait():
        print(last, end="")
        return None
    return json.loads(last)


def train_entry(options, entry, seed):
    """Trains and measures one entry in this process, and returns its line."""
    import keras
    from entries import build_entry
    from recipe import at_final_scale, open_sources, open_split, training_settings
    from scores import scores_on

    from keras_seg.training import train
    from keras_seg_cli.benchmark_conditions import (
        conditions,
        device_of_backend,
        peak_megabytes,
    )

    recipe = recipe_of(options)
    source, val = open_sources(recipe)
    held_out = {} if val is None else {"val": val}
    if val is None or (options.final and recipe["data"] == "camvid"):
        held_out["test"] = open_split(recipe, "test")
    keras.utils.set_random_seed(seed)
    model = build_entry(entry, source, recipe)
    start = time.monotonic()
    done = train(
        model,
        source,
        output=options.output / f"{entry}-seed{seed}",
        validation_data=val,
        resume=True,
        verbose=2,
        **training_settings(recipe, seed),
    )
    model = at_final_scale(model, recipe)
    measured = {
        split: scores_on(model, held, options.limit) for split, held in held_out.items()
    }
    command = [pathlib.Path(__file__).name, *sys.argv[1:]]
    facts = conditions(device_of_backend())
    return {
        "entry": entry,
        "seed": seed,
        **measured,
        "parameters": model.count_params(),
        "training_images": len(source),
        "minutes": round(60 * done["hours"], 2),
        "minutes_here": round((time.monotonic() - start) / 60, 2),
        "training_peak_mb": round(peak_megabytes()),
        "weights": done["weights"],
        "commit": done["commit"],
        "command": portable(command, options),
        "backend": facts["backend"],
        "hardware": facts["accelerator"]
        if facts["accelerator"] != "none"
        else facts["processor"],
        "load": facts["load_average_at_the_end"],
        "date": datetime.date.today().isoformat(),
    }


def portable(words, options):
    """A command line without the paths of the machine."""
    names = {
        str(options.output): "OUTPUT",
        options.data_dir: "DATA",
        options.backbone_weights: "WEIGHTS",
    }
    if "--job" in words:
        words = words[: words.index("--job")]
    return shlex.join(names.get(word, word) for word in words)


def measure_costs(options):
    from cost import cost_of

    recipe = recipe_of(options)
    known = {line["entry"] for line in read_lines(options.output / COSTS)}
    for entry in options.entries:
        if entry not in known:
            append_line(options.output / COSTS, cost_of(entry, recipe))


def write_table(folder):
    from table import write

    write(folder)


if __name__ == "__main__":
    main()
