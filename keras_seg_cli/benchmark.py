"""`keras-seg benchmark`: time and memory of a preset, beside models of keras-hub."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile

from keras_seg_cli.batch import make_folder, tell
from keras_seg_cli.benchmark_report import (
    all_conditions,
    summarise,
    table,
    write_csv,
    write_plot,
)
from keras_seg_cli.benchmark_runtimes import (
    RUNTIMES,
    export_files,
    exported_files,
    missing_runtimes,
)
from keras_seg_cli.choose_backend import FASTEST_ON_CPU
from keras_seg_cli.terminal import printable

FILES = ("benchmark.csv", "benchmark.png")
# Read by TensorFlow, torch and libraries for linear algebra.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


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
    runtimes = [name for name in options.runtimes if name in RUNTIMES]
    backends = [*(options.backends or [])]
    backends += [name for name in options.runtimes if name not in RUNTIMES]
    if not backends and not runtimes:
        backends = _installed_backends()
    problem = _problem(options, backends, runtimes)
    if problem:
        tell(problem)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        try:
            files = _exported_files(options, runtimes, folder)
        except (OSError, RuntimeError) as error:
            tell(error)
            return 2
        results, failed = run_all(options, backends, folder, files)
        rows = summarise(results, options.preset)
    if not rows:
        return 1
    print(printable_lines(table(rows, options.preset)))
    header = all_conditions(results)
    for key, value in header.items():
        print(printable(f"{key}: {value}"))
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


def _problem(options, backends, runtimes):
    """A message of one line if the benchmark cannot start, or `None`."""
    if not backends and not runtimes:
        return "no backend is installed: pip install 'keras-seg[tensorflow]'"
    if runtimes and "segment" not in options.phases:
        return "--runtimes run exported files, which are not trained: --phases segment"
    if options.image and not os.path.isfile(options.image):
        return f"--image {options.image}: no such file"
    if options.image and options.against:
        return "--image is for presets: models of --against take images of some sizes"
    missing = missing_runtimes(runtimes)
    if missing:
        return (
            f"not installed: {', '.join(missing)}. Try: pip install 'keras-seg[export]'"
        )
    return None


def _exported_files(options, runtimes, folder):
    if not runtimes:
        return {}
    if options.exported:
        return exported_files(runtimes, options.exported)
    print("Exporting, which takes minutes", flush=True)
    return export_files(runtimes, options.preset, os.path.join(folder, "exported"))


def run_all(options, backends, folder, files=None):
    """Measures every model on every backend, in rounds.

    Args:
        options: See `benchmark`.
        backends: List of names.
        folder: Path of a folder for label maps.
        files: Dictionary from names of runtimes to exported files of the preset.

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
    files = files or {}
    jobs = [(options.preset, name, "segment") for name in files] + jobs
    results, failed = {job: [] for job in jobs}, set()
    for turn in range(options.rounds):
        for job in jobs if turn % 2 == 0 else reversed(jobs):
            if job in failed:
                continue
            labels = os.path.join(folder, f"{jobs.index(job)}.npy")
            try:
                path = files.get(job[1])
                results[job].append(run_one(options, *job, labels, path))
            except RuntimeError as error:
                failed.add(job)
                tell(f"{', '.join(job)}: {error}")
                continue
            median = results[job][-1]["median_ms"]
            print(printable(f"round {turn + 1}: {', '.join(job)}: {median:.0f} ms"))
            sys.stdout.flush()
    return {job: rounds for job, rounds in results.items() if rounds}, len(failed)


def run_one(options, model, backend, phase, labels, exported=None):
    """Measures one phase of one model, or an exported file, in a process of its own.

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
        "image": options.image,
        "threads": options.threads,
    }
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    if options.threads:
        environment |= dict.fromkeys(THREADS, str(options.threads))
    worker = "keras_seg_cli.benchmark_worker"
    if exported is None:
        environment["KERAS_BACKEND"] = backend
    else:
        worker = "keras_seg_cli.benchmark_runtime_worker"
        order |= {"path": exported, "package": RUNTIMES[backend][3]}
    worker = subprocess.run(
        [sys.executable, "-m", worker, json.dumps(order)],
        env=environment,
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
