"""Training runs that differ in one thing, and the cells of tables of their scores."""

import json
import statistics

import keras

from keras_seg import training
from keras_seg.training.resume_settings import resume_settings
from keras_seg.training.settings import resolve_settings
from keras_seg_cli.train_options import parse_settings


def run_all(variants, seeds, recipe, output):
    """Trains each variant with each seed. Finished runs are not repeated.

    Args:
        variants: Dictionary from names, which the names of the folders begin with, to
            lists of options of `keras-seg train`.
        seeds: List of integers.
        recipe: List of options that all have in common. All are measured on val, and
            never on test.
        output: `pathlib.Path`, a folder for the runs.

    Yields:
        After each run all results so far: a dictionary from names to lists of the
        contents of `results.json`, one for each seed.
    """
    jobs = []
    for seed in seeds:
        for name, words in variants.items():
            folder = output / f"{name}-seed{seed}"
            words = [*recipe, *words, f"--seed={seed}", f"--output={folder}"]
            given = parse_settings([*words, "--no-test"])
            check_val(resolve_settings(given))
            resume_settings(folder, given)
            jobs.append((name, folder, given))
    done = {name: [] for name in variants}
    for name, folder, given in jobs:
        if not (folder / "results.json").exists():
            print(f"\n=== {folder.name}", flush=True)
            keras.utils.clear_session()
            training.train_from_settings(given, resume=True)
        done[name].append(json.loads((folder / "results.json").read_text()))
        yield done


def check_val(args):
    has_val = args.data == "camvid" or args.val_images
    if not has_val or "val" in args.split.split("+"):
        raise SystemExit(
            "Variants are compared on val, so there must be one that is not trained "
            "on: leave out --split, or give --val-images and --val-masks."
        )
    if args.final_scale:
        raise SystemExit(
            "Runs that are finished are kept, at the scale that they were measured "
            "with: give --input-scale or --val-scales in place of --final-scale."
        )


def mean_and_spread(values):
    """Mean and standard deviation; one value has no spread."""
    spread = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "spread": spread}


def percent(values, sign=""):
    summary = mean_and_spread(values)
    text = f"{100 * summary['mean']:{sign}.1f}"
    if summary["spread"] is not None:
        text += f" ± {100 * summary['spread']:.1f}"
    return text


def conditions(runs):
    """What all runs of a table have in common, or else what each has."""
    keys = ("commit", "backend", "keras", "hardware")
    values = {key: sorted({str(run[key]) for run in runs}) for key in keys}
    return {
        **{key: ", ".join(value) for key, value in values.items()},
        "hours": round(sum(run["hours"] for run in runs), 3),
    }
