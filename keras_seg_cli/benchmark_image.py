"""The image, the loop and the numbers of `keras-seg benchmark`."""

import statistics
import time

import numpy as np


def benchmark_image(path, size):
    """The image to segment: uint8 array `(H, W, 3)`.

    Args:
        path: Path of an image file, or `None` for noise.
        size: Pair `(height, width)` of the noise.

    Example:

    ```python
    from keras_seg_cli.benchmark_image import benchmark_image

    print(benchmark_image(None, (4, 6)).shape)  # (4, 6, 3)
    ```
    """
    if path is None:
        return np.random.default_rng(0).integers(0, 256, (*size, 3), "uint8")
    from keras_seg_runtime import as_rgb

    return as_rgb(path)


def time_calls(function, image, runs):
    """Times calls of a function from an image to labels.

    Returns:
        `(seconds, cpu_seconds, labels)`: two lists with a number for each call, and
        the last result.
    """
    seconds, cpu_seconds = [], []
    for _ in range(runs):
        start, cpu_start = time.perf_counter(), time.process_time()
        labels = function(image)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu_start)
    return seconds, cpu_seconds, labels


def summary(load, seconds, cpu_seconds, warmup):
    """The numbers of one measurement.

    Args:
        load: Float, seconds from the start of the process to the loaded model.
        seconds: List of floats, one for each call.
        cpu_seconds: The same of all processors; empty if it was not measured.
        warmup: Integer, the calls after the first one that are left out.

    Returns:
        Dictionary of `load`, `first` and `seconds` (the first call and the others),
        `cpu_seconds`, and `median_ms`.
    """
    counted = seconds[1 + warmup :]
    return {
        "load": load,
        "first": seconds[0],
        "seconds": counted,
        "cpu_seconds": cpu_seconds[1 + warmup :],
        "median_ms": 1000 * statistics.median(counted),
    }
