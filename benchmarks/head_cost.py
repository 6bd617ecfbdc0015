"""What the heads cost: parameters, operations, and time beside a plain pyramid.

    KERAS_BACKEND=jax python benchmarks/head_cost.py --count
    KERAS_BACKEND=tensorflow python benchmarks/head_cost.py

Heads alone, on random features of a backbone, in inference. `--count` asks XLA, the
compiler of JAX, how many floating point operations a head takes; a multiplication with
its addition counts as two. Times are medians, the heads taking turns.
"""

import argparse
import pathlib
import statistics
import sys
import time

import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import keras_seg

BACKBONES = {  # channels of strides 4 to 32
    "MobileNetV2": (144, 192, 576, 320),
    "Swin-L": (192, 384, 768, 1536),
}
STRIDES = (4, 8, 16, 32)


def heads(num_classes, hidden_dim):
    layers = keras_seg.layers
    return {
        "plain pyramid": layers.CPTHead(num_classes, hidden_dim, source="bilinear"),
        "CPT, prototypes": layers.CPTHead(num_classes, hidden_dim, source="prototypes"),
        "CPT, memory": layers.CPTHead(num_classes, hidden_dim),
        "ECENet": layers.ECENetHead(num_classes, hidden_dim),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--backbone", choices=BACKBONES, default="MobileNetV2")
    parser.add_argument("--num-classes", type=int, default=11)
    parser.add_argument("--hidden-dim", type=int, default=64)
    parser.add_argument("--size", type=int, nargs=2, default=(384, 480))
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--count", action="store_true", help="operations, on JAX")
    options = parser.parse_args()
    if options.count and keras.config.backend() != "jax":
        parser.error("--count needs KERAS_BACKEND=jax")

    random = np.random.default_rng(0)
    features = [
        random.normal(size=(1, *(n // s for n in options.size), c)).astype("float32")
        for s, c in zip(STRIDES, BACKBONES[options.backbone], strict=True)
    ]
    models = {}
    for name, head in heads(options.num_classes, options.hidden_dim).items():
        inputs = [keras.Input(x.shape[1:]) for x in features]
        models[name] = keras.Model(inputs, head(inputs)["logits"])
    if options.count:
        cells = {name: f"{count(m, features) / 1e9:.2f}" for name, m in models.items()}
        title = "GFLOPs"
    else:
        times = clock(models, features, options.repeats)
        cells = {name: f"{1000 * seconds:.1f}" for name, seconds in times.items()}
        title = f"ms on {keras.config.backend()}"
    print(
        f"{options.backbone}, image {options.size[0]} x {options.size[1]}, "
        f"{options.num_classes} classes, hidden_dim {options.hidden_dim}\n"
    )
    print(f"| head | parameters | {title} |\n|---|---|---|")
    for name, model in models.items():
        print(f"| {name} | {model.count_params() / 1e6:.3f} M | {cells[name]} |")


def count(model, features):
    import jax

    def forward(weights, features):
        trainable, rest = weights
        return model.stateless_call(trainable, rest, features)[0]

    weights = (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
    )
    cost = jax.jit(forward).lower(weights, features).compile().cost_analysis()
    return (cost[0] if isinstance(cost, list) else cost)["flops"]


def clock(models, features, repeats):
    times = {name: [] for name in models}
    for turn in range(repeats + 3):
        for name, model in models.items():
            start = time.perf_counter()
            model.predict_on_batch(features)
            if turn >= 3:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


if __name__ == "__main__":
    main()
