"""What the region loss adds to a training step of SGR, components included.

    KERAS_BACKEND=tensorflow python benchmarks/region_cost.py --data-dir CAMVID

Three models on the same batches in turns: DeepLabV3, with the reasoner but without the
region loss, and with both. Weights are random. Times are medians over steps of `fit`,
in which the next batch is prepared by two worker threads, components and all.
"""

import argparse
import os
import statistics
import time

import keras

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
        self.times = []

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.perf_counter() - self.start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", required=True, help="CamVid")
    parser.add_argument("--output-stride", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--steps", type=int, default=4, help="of each of two rounds")
    args = parser.parse_args()
    train = data.CamVid(args.data_dir, "val")
    models, times = {}, {name: [] for name in VARIANTS}
    for turn in range(3):  # the first warms up
        for name, options in VARIANTS.items():
            if name not in models:
                models[name] = build(args, train, options)
            clock = StepTimes()
            batches = data.training_dataset(
                train,
                args.batch_size,
                data.TrainAugmentation((192, 256)),
                steps_per_epoch=args.steps if turn else 1,
                cache=False,
            )
            start = time.perf_counter()
            models[name].fit(batches, callbacks=[clock], verbose=0, shuffle=False)
            print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)
            if turn:
                times[name] += clock.times
    print(
        f"\n{keras.config.backend()}, batch of {args.batch_size} crops of 192x256, "
        f"input scale 1.5, output stride {args.output_stride}, load average "
        f"{os.getloadavg()[0]:.1f}\n\n| | s/step | |\n|---|---|---|"
    )
    first = statistics.median(times["DeepLabV3"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.3f} | {median / first:.2f} |")


def build(args, train, options):
    backbone = keras_seg.models.ApplicationsBackbone(
        "MobileNetV2", output_stride=args.output_stride
    )
    return keras_seg.SGR(
        backbone,
        num_classes=train.num_classes,
        hidden_dim=64,
        input_scale=1.5,
        ignore_class=train.ignore_class,
        **options,
    )


if __name__ == "__main__":
    main()
