"""Achieved FLOP/s of the networks as a share of the rate of matrix products.

    python benchmarks/flops_share.py --backends tensorflow jax torch

Operations are counted by XLA; a multiplication with its addition counts as two. The
rate is the best of the products of two square float32 matrices of several sizes, by the
same backend in the same process. Time is the median of `predict_on_batch` for one image
of 360 x 480.
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
from operations import count_operations
from own_process import in_own_process

MODELS = (
    "ECENet, scale 1.0",
    "ECENet, coarse, scale 1.25",
    "ECENet, scale 1.75",
    "CPT, scale 1.0",
    "SGR, scale 1.0",
    "SegFormer-B0",
)
SIZES = (512, 1024, 2048, 3072)


def matrix_rate(repeats=7):
    """Operations per second of the best matrix product."""
    import keras
    import numpy as np

    rates = []
    for size in SIZES:
        x = keras.ops.convert_to_tensor(np.ones((size, size), "float32"))
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            y = keras.ops.matmul(x, x)
            float(keras.ops.convert_to_numpy(y[0, 0]))  # waits for the result
            times.append(time.perf_counter() - start)
        rates.append(2 * size**3 / min(times))
    return max(rates)


def measure(repeats):
    """The numbers of one backend, in this process."""
    import numpy as np
    from compared_models import build_model, size_for

    found = {"rate": matrix_rate(), "seconds": {}}
    for name in MODELS:
        size = size_for(name, 360, 480)
        model = build_model(name, 11, size)
        images = np.random.default_rng(0).integers(0, 256, (1, *size, 3), "uint8")
        times = []
        for _ in range(repeats + 3):
            start = time.perf_counter()
            model.predict_on_batch(images)
            times.append(time.perf_counter() - start)
        found["seconds"][name] = statistics.median(times[3:])
    return {**found, "conditions": conditions(device_of_backend())}


def count():
    """Operations by name. Runs with JAX."""
    import jax
    from compared_models import build_model, size_for

    counted = {}
    for name in MODELS:
        size = size_for(name, 360, 480)
        model = build_model(name, 11, size)
        images = jax.ShapeDtypeStruct((1, *size, 3), "float32")
        counted[name] = count_operations(model, images)
    return counted


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--output", default=RESULTS, help="folder")
    parser.add_argument("--task", choices=("count", "measure"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        result = count() if options.task == "count" else measure(options.repeats)
        print(json.dumps(result))
        return
    operations = in_own_process("jax", __file__, "--task", "count")
    lines = [
        "| backend | matrix products, GFLOP/s | model | GFLOP | ms | GFLOP/s | share |",
        "|---|---|---|---|---|---|---|",
    ]
    for backend in options.backends:
        repeats = str(options.repeats)
        found = in_own_process(
            backend, __file__, "--task", "measure", "--repeats", repeats
        )
        for name, seconds in found["seconds"].items():
            rate = operations[name] / seconds
            lines.append(
                f"| {backend} | {found['rate'] / 1e9:.0f} | {name} "
                f"| {operations[name] / 1e9:.2f} | {1000 * seconds:.0f} "
                f"| {rate / 1e9:.0f} | {100 * rate / found['rate']:.0f} % |"
            )
            print(lines[-1], flush=True)
    header = {**found["conditions"], "backend": ", ".join(options.backends)}
    header["repeats"] = f"{options.repeats}, after 3 for warming up"
    path = result_path(options.output, "flops_share", {**header, "backend": "all"})
    title = "Achieved FLOP/s beside matrix products"
    write_report(path, title, header, "\n".join(lines))


if __name__ == "__main__":
    main()
