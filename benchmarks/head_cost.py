"""What the heads cost: parameters, operations, and time beside a plain pyramid.

    KERAS_BACKEND=tensorflow python benchmarks/head_cost.py

Heads alone, on random features of a backbone, in inference. Operations are counted by
XLA, the compiler of JAX, in a process of its own and for any backend; a multiplication
with its addition counts as two. Times are medians, the heads taking turns. At each turn
a head is called twice and the second call counts, as the first also pays for the memory
that the head before it has freed.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import keras
import numpy as np
from conditions import (
    RESULTS,
    conditions,
    device_of_backend,
    result_path,
    write_report,
)
from operations import count_operations, counted_in_own_process

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import keras_seg

BACKBONES = {  # channels of strides 4 to 32
    "MobileNetV2": (144, 192, 576, 320),
    "Swin-L": (192, 384, 768, 1536),
}
STRIDES = (4, 8, 16, 32)
REFERENCE = "plain pyramid"


def heads(num_classes, hidden_dim):
    layers = keras_seg.layers
    return {
        REFERENCE: layers.CPTHead(num_classes, hidden_dim, source="bilinear"),
        "CPT, pixels": layers.CPTHead(num_classes, hidden_dim, source="pixels"),
        "CPT, prototypes": layers.CPTHead(num_classes, hidden_dim, source="prototypes"),
        "CPT, memory": layers.CPTHead(num_classes, hidden_dim),
        "CPT, memory, stride 32 alone": layers.CPTHead(num_classes, hidden_dim),
        "ECENet": layers.ECENetHead(num_classes, hidden_dim),
        "ECENet, MLP 2": layers.ECENetHead(num_classes, hidden_dim, mlp_ratio=2),
        "ECENet, separable, MLP 2": layers.ECENetHead(
            num_classes, hidden_dim, mlp_ratio=2, fusion="separable"
        ),
        "ECENet, coarse, MLP 2": layers.ECENetHead(
            num_classes, hidden_dim, mlp_ratio=2, fusion="coarse"
        ),
    }


def main():
    options = parse_arguments()
    if options.count_only:
        models, features = make_models(options)
        counted = {n: count_operations(m, features[n]) for n, m in models.items()}
        print(json.dumps(counted))
        return
    operations = counted_in_own_process(__file__, *sys.argv[1:], "--count-only")
    models, features = make_models(options)
    times = clock(models, features, options.repeats)
    height, width = options.size
    header = {
        **conditions(device_of_backend()),
        "features": f"of {options.backbone}, image {height} x {width}, batch of 1",
        "heads": f"{options.num_classes} classes, hidden_dim {options.hidden_dim}",
        "repeats": f"{options.repeats}, after 3 for warming up",
    }
    lines = [
        f"| head | parameters | GFLOPs | ms | x {REFERENCE} |\n|---|---|---|---|---|"
    ]
    for name, model in models.items():
        gigas = f"{operations[name] / 1e9:.2f}" if operations else "?"
        lines.append(
            f"| {name} | {model.count_params() / 1e6:.3f} M | {gigas} "
            f"| {1000 * times[name]:.1f} | {times[name] / times[REFERENCE]:.2f} |"
        )
    words = (options.backbone, f"{options.num_classes}classes", f"{height}x{width}")
    path = result_path(options.output, "head_cost", header, "float32", *words)
    write_report(path, "What the heads cost in inference", header, "\n".join(lines))


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--backbone", choices=BACKBONES, default="MobileNetV2")
    add("--num-classes", type=int, default=11)
    add("--hidden-dim", type=int, default=64)
    add("--size", type=int, nargs=2, default=(384, 480))
    add("--repeats", type=int, default=20)
    add("--output", default=RESULTS, help="folder")
    add("--count-only", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_models(options):
    """The heads as models, and what each takes."""
    random = np.random.default_rng(0)
    pyramid = [
        random.normal(size=(1, *(n // s for n in options.size), c)).astype("float32")
        for s, c in zip(STRIDES, BACKBONES[options.backbone], strict=True)
    ]
    models, features = {}, {}
    for name, head in heads(options.num_classes, options.hidden_dim).items():
        features[name] = pyramid[-1:] if "alone" in name else pyramid
        inputs = [keras.Input(x.shape[1:]) for x in features[name]]
        models[name] = keras.Model(inputs, head(inputs)["logits"])
    return models, features


def clock(models, features, repeats):
    times = {name: [] for name in models}
    for turn in range(repeats + 3):
        for name, model in models.items():
            model.predict_on_batch(features[name])
            start = time.perf_counter()
            model.predict_on_batch(features[name])
            if turn >= 3:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


if __name__ == "__main__":
    main()
