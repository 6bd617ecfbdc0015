"""The options of `keras-seg benchmark`."""

import argparse

from keras_seg_cli.benchmark_runtimes import RUNTIMES
from keras_seg_cli.choose_backend import FASTEST_ON_CPU
from keras_seg_cli.image_options import count

PEERS = ("segformer_b0", "deeplab_v3_plus")
PHASES = ("segment", "train")

DESCRIPTION = """\
Measures how long a model takes from the pixels of an image to its label map: the first
call, which traces and compiles, then the median and the 95th percentile of the others,
the time to load, and the peak memory of the process. With --runtimes, exported files
of the preset beside the backends of Keras. With --phases train, a step of model.fit as
well."""

NOTES = """\
Every model runs on every backend in a process of its own, one after the other, in
rounds whose order is reversed each time. Models of keras-hub are SegFormer-B0 and
DeepLabV3+ with ResNet-50, with random weights: time does not depend on them. SegFormer
takes squares of about the same number of pixels. "Differ" is the share of pixels whose
labels are not those of the first backend. DIR gets benchmark.csv and, if matplotlib is
installed, benchmark.png.

--runtimes takes onnxruntime, litert and openvino, for which the preset is exported
first, or the files of --exported are used; and tensorflow, torch and jax, which are
backends of Keras. "Load" is from the start of the program to the loaded model, with all
imports. "CPU" is the processor time of the median call: it depends less on other
programs.

examples:
  keras-seg benchmark --preset ecenet/camvid
  keras-seg benchmark --runtimes onnxruntime litert tensorflow --threads 1
  keras-seg benchmark --preset ecenet/camvid --against segformer_b0 deeplab_v3_plus \\
      --backends tensorflow jax torch --size 360 480 --output camvid"""


def add_benchmark(commands):
    """Adds the command to the parsers of `keras-seg`."""
    parser = commands.add_parser(
        "benchmark",
        help="measure time and memory of a preset",
        description=DESCRIPTION,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--preset",
        "-p",
        default="ecenet/camvid",
        metavar="NAME",
        help="shipped preset, one of a paper (then without weights), or folder of a "
        "saved one (default: %(default)s)",
    )
    add(
        "--against",
        nargs="+",
        default=[],
        metavar="MODEL",
        help=f"{', '.join(PEERS)} of keras-hub, or further presets",
    )
    add(
        "--backends",
        nargs="+",
        choices=FASTEST_ON_CPU,
        metavar="BACKEND",
        help="tensorflow, jax, torch (default: KERAS_BACKEND, or all installed ones)",
    )
    add(
        "--runtimes",
        nargs="+",
        choices=[*RUNTIMES, *FASTEST_ON_CPU],
        default=[],
        metavar="RUNTIME",
        help="onnxruntime, litert, openvino, tensorflow, torch, jax",
    )
    add(
        "--exported",
        metavar="PATH",
        help="exported files of the preset, without suffix (default: export first)",
    )
    add("--threads", type=count, metavar="N", help="number of threads of a process")
    add("--image", metavar="FILE", help="image to segment, in place of noise")
    add("--size", type=count, nargs=2, default=(360, 480), metavar=("H", "W"))
    add("--phases", nargs="+", choices=PHASES, default=["segment"], help=str(PHASES))
    add("--batch-size", type=count, default=2, help="of a training step")
    add("--warmup", type=count, default=2, help="calls after the first, not counted")
    add("--repeats", type=count, default=10, help="calls in each round")
    add("--rounds", type=count, default=2, help="processes for each row")
    add(
        "--output",
        "-o",
        metavar="DIR",
        default="benchmark",
        help="folder for the results (default: %(default)s)",
    )
    add("--overwrite", action="store_true", help="replace existing results")
