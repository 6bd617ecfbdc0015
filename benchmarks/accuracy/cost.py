"""Parameters, operations, time and memory of an entry, with random weights.

    python benchmarks/accuracy/cost.py '{"entry": "ecenet", "recipe": {...}, ...}'

Time and memory are those of `segment` for one image, in processes of their own. The
same code takes up to a third longer in one process than in another, so the median of
several is kept, with the times of all. Operations are counted by XLA, the compiler of
JAX, in another process; a multiplication with its addition counts as two.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import types

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from operations import count_operations, counted_in_own_process

# Height and width of the images.
SIZES = {"camvid": (360, 480), "scenes": (288, 384)}
CLASSES = {"camvid": 11}
WARMUP, REPEATS = 3, 10
PROCESSES = 3


def cost_of(entry, recipe):
    """The costs of an entry, measured in processes of their own.

    Args:
        entry: String, a key of `entries.ENTRIES`.
        recipe: Dictionary, see `recipe.recipe_of`.

    Returns:
        Dictionary. `gflops` is `None` without JAX.
    """
    scale = recipe["final_scale"] or recipe["input_scale"]
    recipe = {**recipe, "backbone_weights": None, "input_scale": scale}
    order = {"entry": entry, "recipe": recipe}
    timed = [timed_in_own_process({**order, "phase": "time"}) for _ in range(PROCESSES)]
    counted = counted_in_own_process(__file__, json.dumps({**order, "phase": "count"}))
    return {**median_of(timed), "gflops": counted and round(counted["flops"] / 1e9, 3)}


def median_of(timed):
    """The process with the median time, with the times of all, the fastest first."""
    timed = sorted(timed, key=lambda line: line["ms"])
    times = [line["ms"] for line in timed]
    return {**timed[len(timed) // 2], "ms_of_processes": times}


def timed_in_own_process(order):
    worker = subprocess.run(
        [sys.executable, __file__, json.dumps(order)],
        stdout=subprocess.PIPE,
        text=True,
    )
    if worker.returncode:
        raise SystemExit(f"{order['entry']}: its cost could not be measured.")
    return json.loads(worker.stdout.splitlines()[-1])


def make_model(order):
    from entries import build_entry

    recipe = order["recipe"]
    classes = CLASSES.get(recipe["data"], recipe["num_classes"])
    source = types.SimpleNamespace(
        num_classes=classes,
        class_names=[f"class {i}" for i in range(classes)],
        palette=np.zeros((classes, 3), int),
        ignore_class=255,
    )
    return build_entry(order["entry"], source, recipe), SIZES[recipe["data"]]


def measure_time(order):
    from keras_seg.inference import segment
    from keras_seg_cli.benchmark_conditions import (
        conditions,
        device_of_backend,
        peak_megabytes,
    )
    from keras_seg_cli.benchmark_image import benchmark_image, time_calls

    model, size = make_model(order)
    before = peak_megabytes()
    image, runs = benchmark_image(None, size), WARMUP + REPEATS
    seconds, _, _ = time_calls(lambda x: segment(model, x), image, runs)
    facts = conditions(device_of_backend())
    return {
        "entry": order["entry"],
        "parameters": model.count_params(),
        "ms": round(1000 * statistics.median(seconds[WARMUP:]), 1),
        "ms_fastest": round(1000 * min(seconds[WARMUP:]), 1),
        "peak_mb": round(peak_megabytes()),
        "built_mb": round(before),
        "size": list(size),
        "backend": facts["backend"],
        "hardware": facts["processor"]
        if facts["accelerator"] == "none"
        else facts["accelerator"],
        "threads": facts["threads"],
        "load": facts["load_average_at_the_end"],
        "date": facts["date"],
    }


def count(order):
    model, size = make_model(order)
    return {"flops": count_operations(model, np.zeros((1, *size, 3), "float32"))}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    measure = {"time": measure_time, "count": count}[given["phase"]]
    print(json.dumps(measure(given)))
