r"""One training step and one `segment` call, beside models of keras-hub.

    KERAS_BACKEND=tensorflow python benchmarks/step_and_segment.py

Every model and phase runs in a process of its own, one at a time. The whole set is
measured in rounds, each in the reverse order of the one before, so that a machine that
grows slower or faster hits all models alike. A step is what `model.fit` does for a
batch that is in memory; `segment` goes from uint8 pixels to a label map, with
normalisation, resizing and argmax. Weights are random: speed does not depend on them.
A preset of a paper is a model too; the first model is then what all are compared with:

    KERAS_BACKEND=tensorflow python benchmarks/step_and_segment.py --batch-size 1 \
        --models ecenet/ade20k_swin_base_640 --height 640 --width 640 --num-classes 150
"""

import argparse
import csv
import json
import math
import pathlib
import statistics
import subprocess
import sys

from conditions import RESULTS, conditions, device_of_backend, result_path

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from keras_seg_cli.benchmark_conditions import peak_megabytes
from keras_seg_cli.benchmark_image import benchmark_image, time_calls
from keras_seg_cli.benchmark_worker import time_training

PHASES = ("train", "segment")
MODELS = (
    "ECENet, scale 1.75",
    "ECENet, scale 1.0",
    "ECENet, coarse, scale 1.25",
    "ECENet, coarse, scale 1.0",
    "CPT, scale 1.0",
    "SGR, scale 1.0",
    "SegFormer-B0",
    "DeepLabV3+",
)
REFERENCE = "SegFormer-B0"


def measure(options):
    """Times one phase of one model in this process."""
    import keras
    from compared_models import build_model, size_for

    from keras_seg.inference import segment

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(options.dtype)
    size = size_for(options.model, options.height, options.width)
    model = build_model(options.model, options.num_classes, size)
    before = peak_megabytes()
    runs = options.warmup + options.repeats
    if options.phase == "train":
        times = time_training(model, size, runs, options.batch_size)
    else:
        image = benchmark_image(None, size)
        times, _, _ = time_calls(lambda x: segment(model, x), image, runs)
    return {
        "seconds": times[options.warmup :],
        "peak_mb": peak_megabytes(),
        "built_mb": before,
        "size": size,
        "parameters": model.count_params(),
        "jit_compile": bool(model.jit_compile),
        "device": device_of_backend(),
    }


def run_all(options):
    """Maps (model, phase) to the results of all rounds."""
    jobs = [(model, phase) for phase in PHASES for model in options.models]
    results = {job: [] for job in jobs}
    for turn in range(options.rounds):
        for model, phase in jobs if turn % 2 == 0 else reversed(jobs):
            command = [sys.executable, __file__, *sys.argv[1:]]
            command += ["--model", model, "--phase", phase]
            worker = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if worker.returncode:
                raise SystemExit(f"{model}, {phase}: failed, see above.")
            result = json.loads(worker.stdout.splitlines()[-1])
            results[model, phase].append(result)
            median = 1000 * statistics.median(result["seconds"])
            peak = result["peak_mb"]
            print(f"round {turn + 1}: {model}, {phase}: {median:.0f} ms, {peak:.0f} MB")
            sys.stdout.flush()
    return results


def summarise(options, results):
    """One row per model and phase, with ratios to the reference where it ran."""
    rows = []
    for (model, phase), rounds in results.items():
        seconds = sorted(s for result in rounds for s in result["seconds"])
        medians = [statistics.median(result["seconds"]) for result in rounds]
        height, width = rounds[0]["size"]
        rows.append(
            {
                "model": model,
                "phase": phase,
                "height": height,
                "width": width,
                "parameters": rounds[0]["parameters"],
                "median_ms": 1000 * statistics.median(seconds),
                "p95_ms": 1000 * seconds[math.ceil(0.95 * len(seconds)) - 1],
                "fastest_round_ms": 1000 * min(medians),
                "slowest_round_ms": 1000 * max(medians),
                "peak_mb": max(result["peak_mb"] for result in rounds),
                "built_mb": max(result["built_mb"] for result in rounds),
            }
        )
    for row in rows:
        for other in rows:
            if (other["model"], other["phase"]) == (reference(options), row["phase"]):
                row["time_ratio"] = row["median_ms"] / other["median_ms"]
                row["peak_ratio"] = row["peak_mb"] / other["peak_mb"]
    return rows


def reference(options):
    return REFERENCE if REFERENCE in options.models else options.models[0]


def header_of(options, results):
    one = next(iter(results.values()))[0]
    return {
        **conditions(one["device"]),
        "dtype": options.dtype,
        "jit_compile": one["jit_compile"],
        "batch": f"{options.batch_size} in training, 1 in segment",
        "image": f"{options.height} x {options.width}, {options.num_classes} classes",
        "repeats": f"{options.rounds} rounds of {options.repeats}, after "
        f"{options.warmup} for warming up, each round a fresh process",
    }


def write(options, header, rows):
    words = [options.dtype, f"{options.height}x{options.width}"]
    words += [name.replace("/", "_") for name in options.models if "/" in name]
    path = result_path(options.output, "step_and_segment", header, *words).with_suffix(
        ".csv"
    )
    with path.open("w", newline="") as file:
        file.writelines(f"# {key}: {value}\n" for key, value in header.items())
        table = csv.DictWriter(file, {key: 0 for row in rows for key in row})
        table.writeheader()
        for row in rows:
            table.writerow(
                {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}
            )
    text = "\n".join(markdown(header, rows, reference(options))) + "\n"
    path.with_suffix(".md").write_text(text)
    print(f"\n{text}\n{path}")


def markdown(header, rows, reference):
    yield f"# One training step and one `segment` call: {header['backend']}\n"
    for key, value in header.items():
        yield f"- {key}: {value}"
    for phase in PHASES:
        yield f"\n## {phase}\n"
        yield (
            f"| model | size | parameters | ms | x {reference} | peak MB | x "
            "| MB before the first batch |"
        )
        yield "|---|---|---|---|---|---|---|---|"
        for row in (row for row in rows if row["phase"] == phase):
            ratios = [row.get("time_ratio", math.nan), row.get("peak_ratio", math.nan)]
            yield (
                f"| {row['model']} | {row['height']} x {row['width']} "
                f"| {row['parameters'] / 1e6:.2f} M | {row['median_ms']:.0f} "
                f"| {ratios[0]:.2f} | {row['peak_mb']:.0f} | {ratios[1]:.2f} "
                f"| {row['built_mb']:.0f} |"
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        default=MODELS,
        metavar="NAME",
        help="presets of the papers, such as ecenet/ade20k_swin_base_640, or some of "
        "those by default",
    )
    add("--height", type=int, default=360)
    add("--width", type=int, default=480)
    add("--num-classes", type=int, default=11)
    add("--batch-size", type=int, default=2, help="of the training step")
    add("--dtype", default="float32")
    add("--warmup", type=int, default=3, help="TensorFlow traces in the first two")
    add("--repeats", type=int, default=10)
    add("--rounds", type=int, default=3)
    add("--output", type=pathlib.Path, default=RESULTS)
    add("--model", help=argparse.SUPPRESS)  # the process of one model and phase
    add("--phase", choices=PHASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [
        name for name in options.models if name not in MODELS and "/" not in name
    ]
    if unknown:
        parser.error(f"no model is called {', '.join(unknown)}; there are {MODELS}")
    if options.phase:
        print(json.dumps(measure(options)))
        return
    results = run_all(options)
    write(options, header_of(options, results), summarise(options, results))


if __name__ == "__main__":
    main()
