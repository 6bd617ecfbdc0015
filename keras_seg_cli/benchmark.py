"""`keras-seg benchmark`: time and memory of a preset, beside models of keras-hub."""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

from keras_seg_cli.batch import make_folder, tell
from keras_seg_cli.benchmark_report import summarise, table, write_csv, write_plot
from keras_seg_cli.choose_backend import FASTEST_ON_CPU
from keras_seg_cli.terminal import printable

PEERS = ("segformer_b0", "deeplab_v3_plus")
PHASES = ("segment", "train")
FILES = ("benchmark.csv", "benchmark.png")

DESCRIPTION = """\
Measures how long a model takes from the pixels of an image to its label map: the first
call, which traces and compiles, then the median and the 95th percentile of the others,
and the peak memory of the process. With --phases train, a step of model.fit as well."""

NOTES = """\
Every model runs on every backend in a process of its own, one after the other, in
rounds whose order is reversed each time. Models of keras-hub are SegFormer-B0 and
DeepLabV3+ with ResNet-50, with random weights: time does not depend on them. SegFormer
takes squares of about the same number of pixels. "Differ" is the share of pixels whose
labels are not those of the first backend. DIR gets benchmark.csv and, if matplotlib is
installed, benchmark.png.

examples:
  keras-seg benchmark --preset ecenet/camvid
  keras-seg benchmark --preset ecenet/camvid --against segformer_b0 deeplab_v3_plus \\
      --backends tensorflow jax torch --size 360 480 --output camvid"""


def add_benchmark(commands):
    """Adds the command to the parsers of `keras-seg`."""
    parser = commands.add_parser(
        "benchmark",
        help="measure time and memory of a preset",
        description=DESCRIPTION,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--preset",
        "-p",
        default="ecenet/camvid",
        metavar="NAME",
        help="shipped preset, one of a paper (then without weights), or folder of a "
        "saved one (default: %(default)s)",
    )
    add(
        "--against",
        nargs="+",
        default=[],
        metavar="MODEL",
        help=f"{', '.join(PEERS)} of keras-hub, or further presets",
    )
    add(
        "--backends",
        nargs="+",
        choices=FASTEST_ON_CPU,
        metavar="BACKEND",
        help="tensorflow, jax, torch (default: KERAS_BACKEND, or all installed ones)",
    )
    add("--size", type=_count, nargs=2, default=(360, 480), metavar=("H", "W"))
    add("--phases", nargs="+", choices=PHASES, default=["segment"], help=str(PHASES))
    add("--batch-size", type=_count, default=2, help="of a training step")
    add("--warmup", type=_count, default=2, help="calls after the first, not counted")
    add("--repeats", type=_count, default=10, help="calls in each round")
    add("--rounds", type=_count, default=2, help="processes for each row")
    add(
        "--output",
        "-o",
        metavar="DIR",
        default="benchmark",
        help="folder for the results (default: %(default)s)",
    )
    add("--overwrite", action="store_true", help="replace existing results")


def benchmark(options):
    """Runs the benchmark that the options describe, prints a table and writes files.

    Args:
        options: Namespace, as the parser of the command line makes it.

    Returns:
        Exit status: 0, 1 if a model failed, 2 if the command could not start.

    Example:

    ```python
    from keras_seg_cli.benchmark import benchmark
    from keras_seg_cli.main import build_parser

    words = ["benchmark", "--output", __file__ + "/nowhere"]
    print(benchmark(build_parser().parse_args(words)))  # 2: no folder can be made there
    ```
    """
    problem = make_folder(options.output)
    existing = [os.path.join(options.output, name) for name in FILES]
    existing = [path for path in existing if os.path.exists(path)]
    if existing and not problem and not options.overwrite:
        problem = f"{existing[0]} exists. Give --overwrite or another folder."
    if problem:
        tell(f"--output {problem}")
        return 2
    backends = options.backends or _installed_backends()
    if not backends:
        tell("no backend is installed: pip install 'keras-seg[tensorflow]'")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        results, failed = run_all(options, backends, folder)
        rows = summarise(results, options.preset)
    if not rows:
        return 1
    print(printable_lines(table(rows, options.preset)))
    header = next(iter(results.values()))[0]["conditions"]
    path = os.path.join(options.output, FILES[0])
    write_csv(path, header, rows)
    written = [path]
    path = os.path.join(options.output, FILES[1])
    if write_plot(path, rows):
        written.append(path)
    else:
        print("No plot is drawn: that needs matplotlib.")
    print(printable(f"See {' and '.join(written)}"))
    return 1 if failed else 0


def run_all(options, backends, folder):
    """Measures every model on every backend, in rounds.

    Args:
        options: See `benchmark`.
        backends: List of names.
        folder: Path of a folder for label maps.

    Returns:
        Dictionary from `(model, backend, phase)` to the results of its rounds, and the
        number of those that failed.
    """
    jobs = [
        (model, backend, phase)
        for phase in dict.fromkeys(options.phases)
        for backend in dict.fromkeys(backends)
        for model in dict.fromkeys([options.preset, *options.against])
    ]
    results, failed = {job: [] for job in jobs}, set()
    for turn in range(options.rounds):
        for job in jobs if turn % 2 == 0 else reversed(jobs):
            if job in failed:
                continue
            labels = os.path.join(folder, f"{jobs.index(job)}.npy")
            try:
                results[job].append(run_one(options, *job, labels))
            except RuntimeError as error:
                failed.add(job)
                tell(f"{', '.join(job)}: {error}")
                continue
            median = results[job][-1]["median_ms"]
            print(printable(f"round {turn + 1}: {', '.join(job)}: {median:.0f} ms"))
            sys.stdout.flush()
    return {job: rounds for job, rounds in results.items() if rounds}, len(failed)


def run_one(options, model, backend, phase, labels):
    """Measures one phase of one model in a process of its own.

    Returns:
        The dictionary that `keras_seg_cli.benchmark_worker` prints.

    Raises:
        RuntimeError: If the process fails, with the last line of its errors.
    """
    order = {
        "model": model,
        "phase": phase,
        "size": list(options.size),
        "batch_size": options.batch_size,
        "warmup": options.warmup,
        "repeats": options.repeats,
        "labels": labels,
    }
    worker = subprocess.run(
        [sys.executable, "-m", "keras_seg_cli.benchmark_worker", json.dumps(order)],
        env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    if worker.returncode:
        lines = worker.stderr.strip().splitlines() or [f"status {worker.returncode}"]
        raise RuntimeError(lines[-1])
    return json.loads(worker.stdout.splitlines()[-1])


def printable_lines(text):
    return "\n".join(printable(line) for line in text.split("\n"))


def _installed_backends():
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted:
        return [wanted]
    return [name for name in FASTEST_ON_CPU if importlib.util.find_spec(name)]


def _count(text):
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text}")
    return int(text)
