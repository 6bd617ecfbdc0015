"""What images of random sizes cost: compilations, seconds and memory.

Segments 100 and 300 images, sides from 33 to 512 pixels, with a preset on the backend
of Keras, and writes one JSON line for each count:

    KERAS_BACKEND=jax python benchmarks/random_sizes.py ecenet/camvid --seconds 120
"""

import argparse
import json
import time

import keras
import numpy as np

import keras_seg
from keras_seg.keras_internals import inference_function


def memory():
    """Resident memory of this process in MB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 // 2**20


def compilations(model):
    function = inference_function._functions[model.head_logits]
    if keras.config.backend() == "jax":
        return function.compilations
    return len(getattr(function, "graphs", ()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("--largest", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=120, help="stops after these")
    options = parser.parse_args()
    model = keras_seg.models.load_model(options.preset)
    rng = np.random.default_rng(0)
    model.segment(np.zeros((64, 64, 3), "uint8"))
    start, before, done = time.monotonic(), memory(), 0
    for count in (100, 300):
        while done < count and time.monotonic() - start < options.seconds:
            size = rng.integers(33, options.largest + 1, 2)
            model.segment(rng.integers(0, 256, (*size, 3), "uint8"))
            done += 1
        result = {
            "backend": keras.config.backend(),
            "preset": options.preset,
            "largest": options.largest,
            "images": done,
            "compilations": compilations(model),
            "seconds": round(time.monotonic() - start, 1),
            "added_mb": memory() - before,
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
