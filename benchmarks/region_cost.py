"""What the region loss adds to a training step of SGR, components included.

    KERAS_BACKEND=tensorflow python benchmarks/region_cost.py --data-dir CAMVID

Three models on the same batches in turns: DeepLabV3, with the reasoner but without the
region loss, and with both. Weights are random. A step lasts from the end of one batch
of `fit` to the end of the next: waiting for data counts, which two worker threads
prepare, components and all. The first step of each turn is left out. The time of
labelling components alone is that of one thread, for crops of the same batches.
"""

import argparse
import pathlib
import statistics
import sys
import time

import keras
from conditions import (
    RESULTS,
    conditions,
    device_of_backend,
    result_path,
    write_report,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import keras_seg
from keras_seg import data

VARIANTS = {
    "DeepLabV3": {"reasoner": False},
    "with the reasoner": {"auxiliary_weights": {"region": 0.0}},
    "with reasoner and region loss": {},
}


class StepTimes(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])  # waits for backends that compute in the background
        self.ends.append(time.perf_counter())

    @property
    def times(self):
        return [b - a for a, b in zip(self.ends, self.ends[1:], strict=False)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--data-dir", required=True, help="CamVid")
    add("--output-stride", type=int, default=16)
    add("--hidden-dim", type=int, default=64)
    add("--input-scale", type=float, default=1.5)
    add("--crop-size", type=int, nargs=2, default=(192, 256), metavar=("H", "W"))
    add("--batch-size", type=int, default=4)
    add("--steps", type=int, default=8, help="timed in each round")
    add("--rounds", type=int, default=3)
    add("--output", default=RESULTS, help="folder")
    args = parser.parse_args()
    source = data.CamVid(args.data_dir, "val")
    models, times = {}, {name: [] for name in VARIANTS}
    for turn in range(args.rounds + 1):  # the first warms up
        names = list(VARIANTS)
        for name in names if turn % 2 == 0 else reversed(names):
            if name not in models:
                models[name] = build(args, source, VARIANTS[name])
            clock = StepTimes()
            models[name].fit(
                batches(args, source, args.steps + 1 if turn else 1),
                callbacks=[clock],
                verbose=0,
                shuffle=False,
            )
            if turn:
                times[name].append(clock.times)
                median = statistics.median(clock.times)
                print(f"round {turn}: {name}: {median:.3f} s", flush=True)
    report(args, models, times, components_alone(args, source))


def batches(args, source, steps):
    augmentation = data.TrainAugmentation(
        tuple(args.crop_size), ignore_class=source.ignore_class
    )
    return data.training_dataset(
        source, args.batch_size, augmentation, steps_per_epoch=steps, cache=False
    )


def build(args, source, options):
    backbone = keras_seg.backbones.ApplicationsBackbone(
        "MobileNetV2", output_stride=args.output_stride
    )
    return keras_seg.SGR(
        backbone,
        num_classes=source.num_classes,
        hidden_dim=args.hidden_dim,
        input_scale=args.input_scale,
        ignore_class=source.ignore_class,
        **options,
    )


def components_alone(args, source):
    """Seconds that the components of one crop take, the median over a few batches."""
    seconds = []
    dataset = batches(args, source, 4)
    for i in range(len(dataset)):
        for labels in dataset[i][1]:
            start = time.perf_counter()
            data.pack_components(labels[None], source.ignore_class)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def report(args, models, times, labelling):
    height, width = args.crop_size
    header = {
        **conditions(device_of_backend()),
        "batch": f"{args.batch_size} crops of {height} x {width}, input scale "
        f"{args.input_scale}",
        "model": f"MobileNetV2 at output stride {args.output_stride}, hidden_dim "
        f"{args.hidden_dim}, 64 regions",
        "steps": f"{args.rounds} rounds of {args.steps}, the models in turns",
    }
    medians = {
        name: statistics.median(sum(rounds, [])) for name, rounds in times.items()
    }
    lines = [
        "| | parameters | s/step | fastest and slowest round | |",
        "|---|---|---|---|---|",
    ]
    for name, rounds in times.items():
        each = sorted(statistics.median(values) for values in rounds)
        lines.append(
            f"| {name} | {models[name].count_params() / 1e6:.3f} M "
            f"| {medians[name]:.3f} | {each[0]:.3f}, {each[-1]:.3f} "
            f"| {medians[name] / medians['DeepLabV3']:.2f} |"
        )
    plain, both = (medians[name] for name in list(VARIANTS)[1:])
    loss = (both - plain) / args.batch_size
    lines += [
        "",
        f"Components of one crop: {1000 * labelling:.2f} ms, in a worker thread. The "
        f"region loss with them adds {1000 * loss:.1f} ms per image to a step, "
        f"{100 * (both / plain - 1):.1f} % of it.",
    ]
    size = f"{height}x{width}"
    path = result_path(args.output, "region_cost", header, "float32", size)
    write_report(path, "What latent regions cost in training", header, "\n".join(lines))


if __name__ == "__main__":
    main()
