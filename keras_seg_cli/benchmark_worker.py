"""One measurement of `keras-seg benchmark`, in a process of its own.

    python -m keras_seg_cli.benchmark_worker '{"model": "segformer_b0", ...}'

Prints the result as one line of JSON.
"""

import json
import sys
import time

from keras_seg_cli.benchmark_conditions import (
    conditions,
    device_of_backend,
    peak_megabytes,
    use_processors,
)

START = time.perf_counter()


def measure(order):
    """Measures one phase of one model.

    Args:
        order: Dictionary, as `keras_seg_cli.benchmark.run_one` makes it.

    Returns:
        Dictionary of the numbers of `keras_seg_cli.benchmark_image.summary`, and of
        `peak_mb`, `size`, `parameters`, `conditions` and `labels`, the path of a file
        with labels or `None`.
    """
    import keras
    import numpy as np

    from keras_seg_cli.benchmark_image import benchmark_image, summary, time_calls
    from keras_seg_cli.benchmark_models import build_model, size_for

    keras.utils.set_random_seed(0)
    size = size_for(order["model"], *order["size"])
    model = build_model(order["model"], size)
    load = time.perf_counter() - START
    runs = 1 + order["warmup"] + order["repeats"]
    labels, cpu_times = None, []
    if order["phase"] == "train":
        times = time_training(model, size, runs, order["batch_size"])
    else:
        from keras_seg.inference import segment

        image = benchmark_image(order["image"], size)
        size = image.shape[:2]
        times, cpu_times, result = time_calls(
            lambda image: segment(model, image), image, runs
        )
        labels = order["labels"]
        np.save(labels, result)
    return {
        **summary(load, times, cpu_times, order["warmup"]),
        "peak_mb": peak_megabytes(),
        "size": list(size),
        "parameters": model.count_params(),
        "labels": labels,
        "conditions": conditions(device_of_backend()),
    }


def time_training(model, size, runs, batch_size):
    """Seconds of each step of `model.fit` for batches that are in memory."""
    import keras
    import numpy as np

    times = []

    class Stopwatch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.start = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # waits for backends that compute in the background
            times.append(time.perf_counter() - self.start)

    random = np.random.default_rng(0)
    shape = runs * batch_size, *size
    images = random.integers(0, 256, (*shape, 3), "uint8")
    labels = random.integers(0, model.num_classes, shape, "int32")
    model.fit(images, labels, batch_size=batch_size, verbose=0, callbacks=[Stopwatch()])
    return times


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    use_processors(order["threads"])
    print(json.dumps(measure(order)))
