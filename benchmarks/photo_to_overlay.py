"""From a photo on disk to its overlay on disk: how long it takes, step by step.

    taskset -c 0,1 python benchmarks/photo_to_overlay.py PHOTO...

`taskset` (of Linux) keeps the process to two cores. Loading the preset and the first
photo, in which the backend prepares itself, are counted apart.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

STEPS = ("read", "segment", "draw", "write", "whole")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--preset", default="ecenet/ade20k", help="name or folder")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    start = time.perf_counter()
    import keras

    from keras_seg import models

    model = models.load_model(options.preset)
    loaded = time.perf_counter() - start
    first = measure(model, options.photos[0])["whole"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else "all"
    print(f"{options.preset} on {keras.config.backend()}, {cores} cores\n")
    print(
        f"Start and loading {loaded:.1f} s, the first photo {first:.2f} s. Then, in ms,"
    )
    print(f"the median of {options.repeats}:\n")
    print(f"| photo | pixels | {' | '.join(STEPS)} |\n|{'---|' * (len(STEPS) + 2)}")
    for photo in options.photos:
        runs = [measure(model, photo) for _ in range(options.repeats)]
        cells = [1000 * statistics.median(run[step] for run in runs) for step in STEPS]
        text = " | ".join(f"{cell:.0f}" for cell in cells)
        print(f"| {pathlib.Path(photo).name} | {runs[0]['size']} | {text} |")


def measure(model, photo):
    """Seconds of each step, and of the whole."""
    from PIL import Image

    from keras_seg.data import read_image
    from keras_seg.inference import segment
    from keras_seg.visualization import draw_overlay

    with tempfile.TemporaryDirectory() as folder:
        times = [time.perf_counter()]
        image = read_image(photo)
        times.append(time.perf_counter())
        labels = segment(model, image)
        times.append(time.perf_counter())
        overlay = draw_overlay(image, labels, model.class_names, model.palette)
        times.append(time.perf_counter())
        Image.fromarray(overlay).save(os.path.join(folder, "overlay.jpg"), quality=92)
        times.append(time.perf_counter())
    spans = [b - a for a, b in zip(times, times[1:], strict=False)]
    size = f"{image.shape[1]} x {image.shape[0]}"
    return {
        **dict(zip(STEPS, [*spans, times[-1] - times[0]], strict=True)),
        "size": size,
    }


if __name__ == "__main__":
    main()
