"""Feeds damaged files to keras_seg and counts what comes of it.

Valid images, masks, presets and checkpoints are made, each case damages one of them in
a way that follows from the seed and the number of the case, and a process of its own
with a limit on memory reads it. A case passes if the file is read, or refused with a
`ValueError` or `OSError` that names it. Any other error, a crash of the process,
more memory or more time than the limits is a failure, and makes the status 1.

    make fuzz
    python scripts/fuzz.py --cases 200 --kinds preset --seed 3
    python scripts/fuzz.py --case 1234          # one case, with its traceback
"""

import argparse
import collections
import multiprocessing
import os
import pathlib
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(pathlib.Path(__file__).parent)]

from fuzz_files import kind_of, make_files  # noqa: E402
from fuzz_mutations import damage_bytes, damage_json  # noqa: E402

KINDS = ("image", "mask", "preset", "checkpoint")
EXPECTED = (ValueError, OSError)
MEMORY = 2 << 30  # beside what the imports need
SECONDS = 60


def run_case(kind, index, seed, valid, place):
    """Damages a file and reads it. Returns `"read"` or the name of the error."""
    import numpy as np

    import keras_seg

    rng = np.random.default_rng([seed, index])
    if kind == "preset":
        source = pathlib.Path(shutil.copytree(valid / "preset", place / "preset"))
        damage_preset(rng, source)
    else:
        names = sorted(p.name for p in valid.iterdir() if kind_of(p.name) == kind)
        name = names[rng.integers(len(names))]
        source = place / name
        source.write_bytes(damage_bytes(rng, (valid / name).read_bytes()))
    try:
        if kind == "image":
            keras_seg.data.read_image(source)
        elif kind == "mask":
            keras_seg.data.read_mask(source)
        elif kind == "checkpoint":
            arrays = keras_seg.conversion.read_checkpoint(source)
            source = "arrays do not fit"  # the head does not know the file
            keras_seg.conversion.load_head(HEADS[0], strip(arrays))
        else:
            load_weights = bool(rng.integers(4))
            keras_seg.models.load_model(source, load_weights=load_weights)
    except EXPECTED as error:
        if str(source) not in str(error) or len(str(error)) > 20_000:
            raise AssertionError(f"an error that does not name {source}") from error
        return type(error).__name__
    return "read"


def damage_preset(rng, folder):
    """Damages one file of a preset, half of the time with its hashes taken out."""
    if rng.integers(2):
        path = folder / "metadata.json"
        path.write_text("{}")
    names = sorted(path.name for path in folder.iterdir())
    # Half of the cases are about the file that says what is made.
    name = "task.json" if rng.integers(2) else names[rng.integers(len(names))]
    path = folder / name
    if name.endswith(".json") and rng.integers(4):
        path.write_text(damage_json(rng, path.read_text()))
    else:
        path.write_bytes(damage_bytes(rng, path.read_bytes()))


def strip(arrays):
    return {name.removeprefix("decode_head."): a for name, a in arrays.items()}


HEADS = []


def work(channel, seed, valid, kinds):
    """Reads the numbers of cases and answers with what came of each."""
    warnings.simplefilter("ignore")
    import keras_seg

    head = keras_seg.layers.ECENetHead(3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 8), (None, 4, 4, 16)])
    HEADS.append(head)
    keras_seg.models.load_model(valid / "preset")  # imports what is lazy
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    channel.send(("ready", resident()))
    signal.signal(signal.SIGALRM, late)
    while (index := channel.recv()) is not None:
        kind = kinds[index % len(kinds)]
        with tempfile.TemporaryDirectory() as place:
            signal.alarm(SECONDS)
            try:
                outcome = run_case(kind, index, seed, valid, pathlib.Path(place))
                problem = None
            except BaseException as error:
                outcome, problem = type(error).__name__, traceback.format_exc()
            finally:
                signal.alarm(0)
        channel.send((outcome, problem, resident()))


def late(number, frame):
    raise TimeoutError_("more than the time limit")


class TimeoutError_(BaseException):
    """Not caught by anything on the way."""


def resident():
    """The most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Worker:
    """A process that runs cases, and is started again when one kills it."""

    def __init__(self, *arguments):
        self.arguments, self.case = arguments, None
        self.start()

    def start(self):
        context = multiprocessing.get_context("spawn")
        self.channel, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, *self.arguments))
        self.process.start()
        other.close()
        self.base, self.deadline, self.case = None, time.monotonic() + 300, None

    def give(self, index):
        self.case, self.deadline = index, time.monotonic() + 2 * SECONDS
        self.channel.send(index)

    def stop(self):
        if self.process.is_alive():
            self.channel.send(None)
        self.process.join(30)
        self.process.kill()


def fuzz(options, valid):
    """Runs all cases. Returns counts by kind and outcome, failures and peaks in MiB."""
    counts, failures, peaks = collections.Counter(), [], collections.Counter()
    indices = iter(range(options.cases))
    arguments = (options.seed, valid, options.kinds)
    workers = [Worker(*arguments) for _ in range(options.jobs)]
    busy = set(workers)
    while busy:
        ready = multiprocessing.connection.wait(
            [w.channel for w in busy] + [w.process.sentinel for w in busy], timeout=5
        )
        for worker in list(busy):
            if worker.channel in ready:
                try:
                    answer = worker.channel.recv()
                except EOFError:
                    answer = ("crash", f"exit code {worker.process.exitcode}", 0)
            elif time.monotonic() > worker.deadline or not worker.process.is_alive():
                answer = ("hang or crash", "no answer in time", 0)
            else:
                continue
            if answer[0] == "ready":
                worker.base = answer[1]
            elif worker.case is None:
                raise RuntimeError(f"a worker does not start: {answer}")
            else:
                kind = options.kinds[worker.case % len(options.kinds)]
                outcome, problem, peak = answer
                counts[kind, outcome if problem is None else "FAILURE"] += 1
                peaks[kind] = max(peaks[kind], peak - (worker.base or 0))
                if problem is not None:
                    failures.append((worker.case, kind, outcome, problem))
                if not peak:
                    worker.process.kill()
                    worker.start()
                    continue
            index = next(indices, None)
            if index is None:
                worker.stop()
                busy.remove(worker)
            else:
                worker.give(index)
    return counts, failures, peaks


def table(counts, peaks, kinds):
    """The counts as a table of Markdown."""
    columns = ["cases", "read", "ValueError", "OSError", "FAILURE"]
    lines = [
        f"| kind | {' | '.join(columns[:-1])} (others) | failures | peak MiB |",
        "|---|" + "--:|" * (len(columns) + 1),
    ]
    for kind in kinds:
        of_kind = {name: n for (k, name), n in counts.items() if k == kind}
        known = [of_kind.get(name, 0) for name in columns[1:]]
        cases = sum(of_kind.values())
        known[2] += cases - sum(known)  # kinds of OSError and ValueError
        cells = [kind, cases, *known, peaks[kind]]
        lines.append(f"| {' | '.join(f'{x:,}' if x != kind else x for x in cells)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--case", type=int, help="run this one in this process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        valid = pathlib.Path(folder)
        make_files(valid)
        if options.case is not None:
            return one_case(options, valid)
        start = time.monotonic()
        counts, failures, peaks = fuzz(options, valid)
    print(table(counts, peaks, options.kinds))
    print(
        f"\n{options.cases:,} cases, seed {options.seed}, {options.jobs} processes, "
        f"{time.monotonic() - start:.0f} s, {versions()}."
    )
    for index, kind, outcome, problem in failures:
        print(f"\ncase {index} ({kind}): {outcome}\n{problem}", file=sys.stderr)
    return 1 if failures else 0


def one_case(options, valid):
    import keras_seg

    head = keras_seg.layers.ECENetHead(3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 8), (None, 4, 4, 16)])
    HEADS.append(head)
    kind = options.kinds[options.case % len(options.kinds)]
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        print(run_case(kind, options.case, options.seed, valid, place))
    return 0


def versions():
    import importlib.metadata

    names = ("keras", "keras-hub", "numpy", "h5py", "pillow", "safetensors", "torch")
    found = [f"{name} {importlib.metadata.version(name)}" for name in names]
    backend = os.environ["KERAS_BACKEND"]
    return f"Python {platform.python_version()}, {', '.join(found)}, on {backend}"


if __name__ == "__main__":
    sys.exit(main())
