"""Compare engines that feed the same augmentation pipeline to a training.

    KERAS_BACKEND=tensorflow python benchmarks/data_engine.py CAMVID_FOLDER

Needs `pip install grain tensorflow`. Each line runs a few seconds: samples a
second, and the CPU milliseconds that one sample costs, which depend less on
what else the machine does.
"""

import argparse
import itertools
import os
import time

import cv2
import grain
import numpy as np
import tensorflow as tf
from absl import flags
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from keras_seg.data import CachedSource, CamVid, TrainAugmentation, training_dataset

BATCH_SIZE = 8
CROP_SIZE = (360, 480)


class Sample:
    """One augmented sample of the row of shuffled passes."""

    def __init__(self, source):
        self.source = source
        self.augment = TrainAugmentation(CROP_SIZE)

    def __call__(self, position):
        cv2.setNumThreads(1)
        turn, place = divmod(int(position), len(self.source))
        order = np.random.default_rng((0, 0, turn)).permutation(len(self.source))
        rng = np.random.default_rng((0, 1, int(position)))
        image, label = self.augment(*self.source[int(order[place])], rng)
        return image, label.astype("int32")


def py_dataset(source, workers, to_tensors=False):
    dataset = training_dataset(
        source,
        BATCH_SIZE,
        TrainAugmentation(CROP_SIZE),
        workers=workers,
        steps_per_epoch=100_000,
        cache=False,
    )
    adapter = PyDatasetAdapter(dataset)
    if to_tensors:
        return iter(adapter.get_tf_dataset()), dataset
    return iter(adapter.get_numpy_iterator()), dataset


def grain_threads(source, workers):
    return iter(
        grain.MapDataset.range(10_000_000)
        .map(Sample(source))
        .batch(BATCH_SIZE)
        .to_iter_dataset(grain.ReadOptions(workers, 4 * BATCH_SIZE))
    ), None


def grain_processes(source, workers):
    return iter(
        grain.MapDataset.range(10_000_000)
        .map(Sample(source))
        .batch(BATCH_SIZE)
        .to_iter_dataset(grain.ReadOptions(1, 4))
        .mp_prefetch(grain.MultiprocessingOptions(workers, 4))
    ), None


def tf_data(source, workers):
    sample = Sample(source)

    def load(position):
        image, label = tf.numpy_function(sample, [position], (tf.uint8, tf.int32))
        return tf.ensure_shape(image, (*CROP_SIZE, 3)), tf.ensure_shape(
            label, CROP_SIZE
        )

    return iter(
        tf.data.Dataset.range(10_000_000)
        .map(load, num_parallel_calls=workers)
        .batch(BATCH_SIZE)
        .prefetch(4)
    ), None


def measure(iterator, seconds):
    for _ in range(6):  # fill the queues
        images, labels = next(iterator)
    if images.shape != (BATCH_SIZE, *CROP_SIZE, 3) or labels.shape != images.shape[:3]:
        raise ValueError(f"Unexpected batch: {images.shape}, {labels.shape}.")
    start, cpu = time.perf_counter(), time.process_time()
    for count in itertools.count(1):
        next(iterator)
        wall = time.perf_counter() - start
        if wall > seconds:
            cpu = time.process_time() - cpu
            return count * BATCH_SIZE / wall, 1000 * cpu / (count * BATCH_SIZE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("camvid", help="folder of CamVid")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    arguments = parser.parse_args()
    flags.FLAGS(["data_engine"])  # grain's worker processes refuse to start without
    source = CachedSource(CamVid(arguments.camvid, "train"))
    for index in range(len(source)):
        source[index]
    engines = {
        "PyDataset, threads": py_dataset,
        "PyDataset, threads, as tensors": lambda s, w: py_dataset(s, w, True),
        "grain, threads": grain_threads,
        "grain, processes": grain_processes,
        "tf.data, numpy_function": tf_data,
    }
    print(f"load average before: {os.getloadavg()[0]:.1f}, cores: {os.cpu_count()}")
    print("| engine | workers | samples/s | CPU ms/sample |\n|---|---|---|---|")
    for name, make in engines.items():
        for workers in arguments.workers:
            iterator, keep = make(source, workers)
            rate, cpu = measure(iterator, arguments.seconds)
            cpu = "-" if "processes" in name else f"{cpu:.1f}"
            print(f"| {name} | {workers} | {rate:.0f} | {cpu} |", flush=True)
            del iterator, keep


if __name__ == "__main__":
    main()
