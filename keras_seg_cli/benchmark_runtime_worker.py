"""One measurement of an exported file, in a process of its own, without Keras.

    python -m keras_seg_cli.benchmark_runtime_worker '{"path": "m.onnx", ...}'

Prints the result as one line of JSON.
"""

import json
import sys
import time

from keras_seg_cli.benchmark_conditions import (
    conditions,
    peak_megabytes,
    use_processors,
)

START = time.perf_counter()


def measure(order):
    """Measures `segment` of one file.

    Args:
        order: Dictionary, as `keras_seg_cli.benchmark.run_one` makes it.

    Returns:
        See `keras_seg_cli.benchmark_worker.measure`.
    """
    import keras_seg_runtime

    model = keras_seg_runtime.load(order["path"], threads=order["threads"])
    load = time.perf_counter() - START

    import numpy as np

    from keras_seg_cli.benchmark_image import benchmark_image, summary, time_calls

    image = benchmark_image(order["image"], order["size"])
    runs = 1 + order["warmup"] + order["repeats"]
    times, cpu_times, labels = time_calls(model.segment, image, runs)
    np.save(order["labels"], labels)
    return {
        **summary(load, times, cpu_times, order["warmup"]),
        "peak_mb": peak_megabytes(),
        "size": list(image.shape[:2]),
        "parameters": None,
        "labels": order["labels"],
        "conditions": conditions("CPU", order["package"]),
    }


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    use_processors(order["threads"])
    print(json.dumps(measure(order)))
