"""Where a training step spends its time: operations of each backend, by their own time.

    python benchmarks/step_profile.py --backends tensorflow jax torch

The profilers of the backends record a few steps of `train_on_batch` with one thread.
Times of an operation leave out those of operations inside it, and are summed over all
that have the same kind. On JAX, XLA fuses what works element by element; a fusion has
the name of its last operation, and gathers, scatters and reductions are often inside.
"""

import argparse
import collections
import glob
import json
import os
import pathlib
import re
import tempfile

from conditions import (
    RESULTS,
    conditions,
    device_of_backend,
    result_path,
    write_report,
)
from own_process import in_own_process

PRESETS = ("ecenet/camvid_real_time", "ecenet/camvid")
BATCH, SIZE = 2, (360, 480)
LEAST = 0.015  # of the time of all operations, for a row of its own


def measure(preset, steps):
    """Seconds of each kind of operation in a step, in this process."""
    import keras
    import numpy as np

    from keras_seg import models

    model = models.load_model(preset)
    model.compile(optimizer=keras.optimizers.AdamW(1e-4))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH, *SIZE, 3)).astype("float32")
    labels = rng.integers(0, model.num_classes, (BATCH, *SIZE)).astype("int32")

    def step():
        for _ in range(steps):
            model.train_on_batch(images, labels)

    step()  # traces and compiles
    seconds = PROFILERS[keras.config.backend()](step)
    return {
        "seconds": {kind: total / steps for kind, total in seconds.items()},
        "conditions": conditions(device_of_backend()),
    }


def profile_torch(step):
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    return {x.key: x.self_cpu_time_total / 1e6 for x in profiler.key_averages()}


def profile_tensorflow(step):
    import tensorflow as tf

    def kind(event, names):
        # `name of the node:type of the operation`
        found = re.fullmatch(r"[^:]+:(\w+)", names[event.metadata_id].name)
        return found and found[1]

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        step()
        tf.profiler.experimental.stop()
        return own_times(folder, kind)


def profile_jax(step):
    import jax

    def kind(event, names):
        name = names[event.metadata_id].name
        if name.startswith(("end:", "$")) or " " in name or "::" in name:
            return None
        return re.sub(r"[.\d]+(\.clone)*$", "", name)

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            step()
        return own_times(folder, kind)


PROFILERS = {
    "jax": profile_jax,
    "tensorflow": profile_tensorflow,
    "torch": profile_torch,
}


def own_times(folder, kind):
    """Seconds of each kind in a trace, without those of events inside others.

    Args:
        folder: Folder with the trace that TensorFlow's or JAX's profiler wrote.
        kind: Function from an event and the names of events to the kind of operation,
            or `None` for events that are none.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    (path,) = glob.glob(os.path.join(folder, "**", "*.xplane.pb"), recursive=True)
    space = xplane_pb2.XSpace()
    space.ParseFromString(pathlib.Path(path).read_bytes())
    seconds = collections.Counter()
    for plane in space.planes:
        if not plane.name.startswith("/host:CPU"):
            continue
        for line in plane.lines:
            names = plane.event_metadata
            events = [(kind(event, names), event) for event in line.events]
            events = [(name, event) for name, event in events if name]
            events.sort(key=lambda x: (x[1].offset_ps, -x[1].duration_ps))
            inside = []  # the events that are not over, from the outermost
            for name, event in events:
                while inside and inside[-1][1] <= event.offset_ps:
                    inside.pop()
                seconds[name] += event.duration_ps / 1e12
                if inside:
                    seconds[inside[-1][0]] -= event.duration_ps / 1e12
                inside.append((name, event.offset_ps + event.duration_ps))
    return seconds


def rows(backend, preset, seconds):
    """The kinds with the most time, and all others in one row."""
    total, others, lines = sum(seconds.values()), 0.0, []
    for kind, value in sorted(seconds.items(), key=lambda x: -x[1]):
        if value < LEAST * total:
            others += value
            continue
        share = f"{1000 * value:.0f} | {100 * value / total:.1f} %"
        lines.append(f"| {backend} | {preset} | `{kind}` | {share} |")
    share = f"{1000 * others:.0f} | {100 * others / total:.1f} %"
    lines.append(f"| {backend} | {preset} | all others | {share} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--output", default=RESULTS, help="folder")
    parser.add_argument("--job", metavar="PRESET", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(measure(options.job, options.steps)))
        return
    lines = ["| backend | preset | operation | ms | share |", "|---|---|---|---|---|"]
    for backend in options.backends:
        for preset in options.presets:
            words = ["--job", preset, "--steps", str(options.steps)]
            found = in_own_process(backend, __file__, *words)
            lines += rows(backend, preset, found["seconds"])
            print(*lines[-20:], sep="\n", flush=True)
    header = {
        **found["conditions"],
        "backend": ", ".join(options.backends),
        "step": f"{BATCH} images of {SIZE[0]} x {SIZE[1]}",
        "steps": f"{options.steps}, after as many",
    }
    path = result_path(options.output, "step_profile", {**header, "backend": "all"})
    title = "Where a training step spends its time"
    write_report(path, title, header, "\n".join(lines))


if __name__ == "__main__":
    main()
