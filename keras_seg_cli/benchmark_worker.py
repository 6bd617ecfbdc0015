"""One measurement of `keras-seg benchmark`, in a process of its own.

    python -m keras_seg_cli.benchmark_worker '{"model": "segformer_b0", ...}'

Prints the result as one line of JSON.
"""

import json
import pathlib
import re
import resource
import statistics
import sys
import time


def measure(order):
    """Measures one phase of one model.

    Args:
        order: Dictionary, as `keras_seg_cli.benchmark.run_one` makes it.

    Returns:
        Dictionary of `first` and `seconds` (the first call and the others), their
        `median_ms`, `peak_mb`, `size`, `parameters`, `conditions` and `labels`, the
        path of a file with labels or `None`.
    """
    import keras
    import numpy as np

    from keras_seg_cli.benchmark_conditions import conditions, device_of_backend
    from keras_seg_cli.benchmark_models import build_model, size_for

    keras.utils.set_random_seed(0)
    size = size_for(order["model"], *order["size"])
    model = build_model(order["model"], size)
    runs = 1 + order["warmup"] + order["repeats"]
    labels = None
    if order["phase"] == "train":
        times = time_training(model, size, runs, order["batch_size"])
    else:
        times, result = time_segment(model, size, runs)
        labels = order["labels"]
        np.save(labels, result)
    seconds = times[1 + order["warmup"] :]
    return {
        "first": times[0],
        "seconds": seconds,
        "median_ms": 1000 * statistics.median(seconds),
        "peak_mb": peak_megabytes(),
        "size": list(size),
        "parameters": model.count_params(),
        "labels": labels,
        "conditions": conditions(device_of_backend()),
    }


def time_segment(model, size, runs):
    """Seconds of each call of `segment` for one image, and its labels."""
    import numpy as np

    from keras_seg.inference import segment

    image = np.random.default_rng(0).integers(0, 256, (*size, 3), "uint8")
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        labels = segment(model, image)
        times.append(time.perf_counter() - start)
    return times, labels


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


def peak_megabytes():
    """The most memory this process has held so far."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000
    except (OSError, TypeError):  # not Linux
        unit = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
