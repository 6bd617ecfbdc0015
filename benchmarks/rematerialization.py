"""Memory and time of a training step that computes intermediate results again.

    python benchmarks/rematerialization.py --backends tensorflow jax torch

One step of `ecenet/camvid`, and of an ECENet with Swin-T, with and without
`rematerialize=True`. Each case runs in a process of its own, which takes its peak
memory. Time is that of all processors, the median of the steps after the first two.
"""

import argparse
import json
import statistics
import time

from conditions import (
    RESULTS,
    conditions,
    device_of_backend,
    result_path,
    write_report,
)
from own_process import in_own_process

# Name: preset or arguments of a Swin backbone, batch size, image size.
CASES = {
    "ecenet/camvid": ("camvid", 2, (360, 480)),
    "ECENet, Swin-T, 150 classes": ((96, (2, 2, 6, 2), (3, 6, 12, 24)), 1, (512, 512)),
}


def make_model(kind, rematerialize):
    import keras_seg

    if isinstance(kind, str):
        return keras_seg.ECENet.from_preset(kind, rematerialize=rematerialize)
    backbone = keras_seg.backbones.SwinBackbone(*kind)
    return keras_seg.ECENet(backbone, 150, rematerialize=rematerialize)


def measure(case, rematerialize, steps):
    """Runs in the process of a case: prints its numbers as JSON."""
    import numpy as np

    from keras_seg_cli.benchmark_conditions import peak_megabytes

    kind, batch, size = CASES[case]
    model = make_model(kind, rematerialize)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, *size, 3)).astype("float32")
    labels = rng.integers(0, model.num_classes, (batch, *size)).astype("int32")
    before, seconds = peak_megabytes(), []
    for _ in range(2 + steps):
        start = time.process_time()
        model.train_on_batch(images, labels)
        seconds.append(time.process_time() - start)
    print(
        json.dumps(
            {
                "before": before,
                "peak": peak_megabytes(),
                "seconds": statistics.median(seconds[2:]),
                "conditions": conditions(device_of_backend()),
            }
        )
    )


def run(backend, case, rematerialize, steps):
    words = ["--case", case, "--steps", str(steps)]
    words += ["--rematerialize"] * rematerialize
    return in_own_process(backend, __file__, *words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--output", default=RESULTS)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--rematerialize", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        measure(options.case, options.rematerialize, options.steps)
        return
    lines = [
        "| backend | model | | peak MB | before the first step | processor s |",
        "|---|---|---|---|---|---|",
    ]
    for backend in options.backends:
        for case in CASES:
            for rematerialize in (False, True):
                found = run(backend, case, rematerialize, options.steps)
                label = "rematerialized" if rematerialize else "kept"
                lines.append(
                    f"| {backend} | {case} | {label} | {found['peak']:.0f} "
                    f"| {found['before']:.0f} | {found['seconds']:.1f} |"
                )
                print(lines[-1], flush=True)
    header = {**found["conditions"], "steps": f"{options.steps}, after 2"}
    header["backend"] = ", ".join(options.backends)
    path = result_path(
        options.output, "rematerialization", {**header, "backend": "all"}
    )
    write_report(
        path, "Memory with and without rematerialization", header, "\n".join(lines)
    )


if __name__ == "__main__":
    main()
