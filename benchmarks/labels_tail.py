"""From the logits of a head to labels, beside upsampling all logits.

    KERAS_BACKEND=tensorflow python benchmarks/labels_tail.py

The logits have stride 4 and are those of a preset for a photo, and noise, in which
almost every class may be the argmax somewhere. "Upsampled" is `resize_bilinear` and
`argmax` of the backend, in one compiled function where the backend compiles. Both ways
take turns; times are medians, of the clock and of the processor (all threads).
"""

import argparse
import pathlib
import statistics
import sys
import time

import keras
import numpy as np
from conditions import RESULTS, conditions, device_of_backend, result_path, write_report

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import keras_seg
from keras_seg.inference.inference_model import InferenceModel
from keras_seg.inference.shown_image import resize_longest_side
from keras_seg_runtime.images.read_image import read_image
from keras_seg_runtime.labels.predict_logits import predict_logits
from keras_seg_runtime.labels.window_logits import WindowLogits

PHOTOS = pathlib.Path(__file__).resolve().parent.parent / "examples" / "photos"


def upsample_and_argmax(size):
    """Function from logits `(1, h, w, K)` to labels `(H, W)`."""

    def function(logits):
        logits = keras_seg.layers.resize_bilinear(logits, size)
        return keras.ops.argmax(logits, axis=-1)

    if keras.config.backend() == "jax":
        import jax

        function = jax.jit(function)
    elif keras.config.backend() == "tensorflow":
        import tensorflow

        function = tensorflow.function(function, autograph=False)
    return lambda logits: keras.ops.convert_to_numpy(function(logits[None]))[0]


def from_head(size):
    def function(logits):
        labels = np.empty(size, "uint8" if logits.shape[-1] <= 256 else "int32")
        WindowLogits.of_window(logits, *size).write_labels(labels)
        return labels

    return function


def clock(functions, logits, repeats):
    """Medians of seconds, of the clock and of the processor, for each function."""
    times = [[] for _ in functions]
    for turn in range(repeats + 2):
        for function, seconds in zip(functions, times, strict=True):
            start = time.perf_counter(), time.process_time()
            function(logits)
            if turn >= 2:
                seconds.append(
                    (time.perf_counter() - start[0], time.process_time() - start[1])
                )
    return [
        [statistics.median(column) for column in zip(*x, strict=True)] for x in times
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--preset", default="ecenet/ade20k", help="name or folder")
    add("--photos", type=pathlib.Path, default=PHOTOS)
    add("--size", type=int, default=512, help="longest side of the photos")
    add("--repeats", type=int, default=15)
    add("--output", default=RESULTS, help="folder")
    options = parser.parse_args()
    model = keras_seg.models.load_model(options.preset)
    paths = [
        p for p in sorted(options.photos.iterdir()) if p.suffix in (".jpg", ".png")
    ]
    cases = {}
    for path in paths[:3]:
        image = resize_longest_side(read_image(path), options.size)
        cases[path.name] = (
            predict_logits(InferenceModel.of(model), image).logits,
            image.shape[:2],
        )
    shape = (options.size // 4, options.size // 4, model.num_classes)
    noise = np.random.default_rng(0).normal(size=shape).astype("float32")
    cases["noise"] = noise, (options.size, options.size)
    lines = [
        "| logits | classes | size | upsampled, ms (processor) | from the head, ms "
        "(processor) | ratio (processor) | pixels that differ |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (logits, size) in cases.items():
        functions = upsample_and_argmax(size), from_head(size)
        plain, ours = clock(functions, logits, options.repeats)
        different = int((functions[0](logits) != functions[1](logits)).sum())
        lines.append(
            f"| {name} | {logits.shape[-1]} | {size[0]} x {size[1]} "
            f"| {1000 * plain[0]:.1f} ({1000 * plain[1]:.1f}) "
            f"| {1000 * ours[0]:.1f} ({1000 * ours[1]:.1f}) "
            f"| {ours[0] / plain[0]:.2f} ({ours[1] / plain[1]:.2f}) | {different} |"
        )
        print(lines[-1], flush=True)
    header = {**conditions(device_of_backend()), "repeats": options.repeats}
    path = result_path(options.output, "labels_tail", header, "float32")
    write_report(path, "From the logits of a head to labels", header, "\n".join(lines))


if __name__ == "__main__":
    main()
