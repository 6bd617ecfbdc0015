"""One large image, segmented: time, and the most memory that was in use.

    python benchmarks/large_image.py
    python benchmarks/large_image.py --window 640 --stride 608 --scales 0.5 1 --flip

The image is made of noise and large shapes, the model is a small ECENet with random
weights unless a preset is named: time and memory do not depend on what they hold.
Memory is what the system counts for the whole process, libraries and model included.
"""

import argparse
import os
import pathlib
import platform
import resource
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))


def main():
    options = parse_arguments()
    import cv2
    import keras
    import numpy as np

    import keras_seg
    from keras_seg import inference, models

    if options.preset:
        model = models.load_model(options.preset)
        name = options.preset
    else:
        model = keras_seg.ECENet(
            keras_seg.backbones.ApplicationsBackbone("MobileNetV2"),
            num_classes=options.classes,
            hidden_dim=64,
        )
        name = "a small ECENet"
    random = np.random.default_rng(0)
    height, width = options.size
    shapes = random.integers(0, 256, (9, 12, 3), dtype="uint8")
    image = cv2.resize(shapes, (width, height), interpolation=cv2.INTER_CUBIC)
    image ^= random.integers(0, 32, image.shape, dtype="uint8")
    # What is compiled once is not counted.
    inference.segment(model, image[:64, :64])

    with PeakMemory() as memory:
        start = time.perf_counter()
        if options.tiles:
            way = "tiles that fade into each other"
            labels = inference.segment(model, image, long_side=0)
        else:
            protocol = inference.TestProtocol.of_model(
                model,
                window=options.window,
                stride=options.stride,
                resize=options.resize,
                scales=options.scales,
                flip=options.flip,
            )
            way = str(protocol)
            labels = inference.segment_by_protocol(model, image, protocol)
        seconds = time.perf_counter() - start
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else "all"
    print(
        f"{name}, {model.num_classes} classes, {keras.config.backend()}, {cores} cores"
    )
    print(f"{width} x {height} pixels, {way}: {len(np.unique(labels))} classes found")
    print("| seconds | peak memory, GB | before, GB |\n|---|---|---|")
    print(f"| {seconds:.1f} | {memory.peak / 1e9:.2f} | {memory.before / 1e9:.2f} |")


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--size", type=int, nargs=2, default=(4000, 6000), metavar=("H", "W"))
    add("--classes", type=int, default=150)
    add("--preset", help="name or folder")
    add("--tiles", action="store_true", help="keras_seg.inference.segment instead")
    add("--window", type=int)
    add("--stride", type=int)
    add("--resize", type=int, nargs=2, metavar=("LONG", "SHORT"))
    add("--scales", type=float, nargs="+")
    add("--flip", action="store_true", default=None)
    return parser.parse_args(arguments)


class PeakMemory:
    """The most memory of this process within a `with` block, in bytes.

    Read a hundred times a second where the system shows it; elsewhere it is the peak
    since the process began.
    """

    STATUS = pathlib.Path("/proc/self/statm")

    def __enter__(self):
        self.before = self.peak = self.now()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.done.set()
        self.thread.join()
        self.peak = max(self.peak, self.now())

    def now(self):
        if self.STATUS.exists():
            pages = int(self.STATUS.read_text().split()[1])
            return pages * resource.getpagesize()
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return kilobytes * (1 if platform.system() == "Darwin" else 1024)

    def _watch(self):
        while not self.done.wait(0.01):
            self.peak = max(self.peak, self.now())


if __name__ == "__main__":
    main()
