"""The image and the loop of `keras-seg benchmark --phases segment`."""

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
