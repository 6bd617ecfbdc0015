"""`keras-seg evaluate`: evaluates a preset on a data set with a test protocol."""

import argparse
import time

from keras_seg_cli.batch import load_preset, tell
from keras_seg_cli.image_options import count
from keras_seg_cli.result_file import problem_of_output, write_result
from keras_seg_cli.terminal import printable

DATA_SETS = (
    "ade20k",
    "camvid",
    "cityscapes",
    "coco-stuff",
    "folder",
    "pascal-context",
)
TFDS = "tfds:"
# Those of keras_seg.data.corruptions; the parser needs them without importing Keras.
CORRUPTIONS = ("blur", "noise", "fog", "dark", "jpeg")
SEVERITY = 3

DESCRIPTION = """\
Evaluates a model on a labelled data set: prints IoU and accuracy of every class,
mean IoU (mIoU), pixel accuracy (aAcc) and mean class accuracy (mAcc)."""

NOTES = """\
The protocol is that of the preset if it has one, otherwise that of keras-seg predict.
The options change single values of it. With --data folder, DIR has images/ and masks/,
or images/SPLIT/ and masks/SPLIT/: a mask has the name of its image and the ids of the
model's classes. Values are rounded in the table and exact in the file of --output.

examples:
  keras-seg evaluate --data camvid --data-dir CamVid --split test
  keras-seg evaluate -p runs/mine/preset --data ade20k --data-dir ADE20K \\
      --window 640 640 --stride 608 608 --resize 2560 640 \\
      --scales 0.5 0.75 1 1.25 1.5 1.75 --flip --output ade20k.json"""


def add_evaluate(commands):
    """Adds the command to the parsers of `keras-seg`."""
    parser = commands.add_parser(
        "evaluate",
        help="evaluate a model on a labelled data set",
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
        help="shipped preset or folder of a saved one (default: %(default)s)",
    )
    add(
        "--data",
        required=True,
        type=_name_of_data,
        metavar="DATA",
        help=f"{', '.join(DATA_SETS)}, or {TFDS}NAME of tensorflow-datasets, such as "
        f"{TFDS}scene_parse150",
    )
    add("--data-dir", metavar="DIR", help="folder of the data; tfds has a default")
    add("--split", default="val", metavar="NAME", help="default: %(default)s")
    add(
        "--void-ids",
        type=int,
        nargs="+",
        default=(),
        metavar="ID",
        help="ids in the masks of a folder that mean void, as well as the model's own",
    )
    add(
        "--corruption",
        choices=CORRUPTIONS,
        metavar="NAME",
        help=f"corrupt the images first, the same way each time: "
        f"{', '.join(CORRUPTIONS)}",
    )
    add(
        "--severity",
        type=int,
        choices=range(1, 6),
        metavar="N",
        help="how much, from 1 to 5 (default: 3)",
    )
    add("--limit", type=count, metavar="N", help="only the first N images")
    add(
        "--mode",
        choices=["auto", "whole", "slide"],
        help="as `predict` does, whole images, or a sliding window",
    )
    pair = {"type": count, "nargs": 2, "metavar": ("H", "W")}
    add("--window", **pair, help="size of the window; implies --mode slide")
    add("--stride", **pair, help="step from window to window")
    add(
        "--resize",
        type=count,
        nargs=2,
        metavar=("LONG", "SHORT"),
        help="scale images to the largest size within these sides",
    )
    add(
        "--scales",
        type=float,
        nargs="+",
        metavar="X",
        help="factors on that size, whose probabilities are averaged",
    )
    add(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="average with the mirrored image as well, or not",
    )
    add("--output", "-o", metavar="FILE", help="write the results as JSON")
    add("--overwrite", action="store_true", help="replace an existing FILE")


def evaluate(options):
    """Evaluates a preset with the given options and prints a table.

    Args:
        options: Namespace, as the parser of the command line makes it.

    Returns:
        Exit status: 0, or 2 if the command could not start or an image failed.

    Example:

    ```python
    from keras_seg_cli.evaluate import evaluate
    from keras_seg_cli.main import build_parser

    words = ["evaluate", "--data", "camvid", "--data-dir", "nowhere", "-p", "no/preset"]
    print(evaluate(build_parser().parse_args(words)))  # 2: there is no such preset
    ```
    """
    problem = problem_of_output(options.output, options.overwrite)
    if problem:
        tell(f"--output {problem}")
        return 2
    if options.data in DATA_SETS and not options.data_dir:
        tell(f"--data {options.data} needs --data-dir DIR, the folder of the data.")
        return 2
    if options.severity and not options.corruption:
        tell("--severity needs --corruption NAME.")
        return 2
    model = load_preset(options.preset)
    if model is None:
        return 2
    import keras

    from keras_seg import __version__, data, inference

    start = time.monotonic()
    try:
        source = _open_source(options, model)
        corruption = _corruption(options)
        if corruption:
            source = data.CorruptedSource(source, **corruption)
        protocol = inference.TestProtocol.of_model(
            model,
            mode=options.mode,
            window=options.window,
            stride=options.stride,
            resize=options.resize,
            scales=options.scales,
            flip=options.flip,
        )
        print(_in_words(protocol), flush=True)
        # Without a terminal there is no progress bar.
        result = inference.evaluate(
            model, source, protocol, options.limit, progress=None
        )
    except (OSError, ValueError, ImportError) as error:
        tell(error)
        return 2
    title = f"{options.data} {options.split}"
    if corruption:
        title += f", {corruption['name']} of severity {corruption['severity']}"
    print_table(title, result)
    if options.output:
        result = {
            "preset": options.preset,
            "data": options.data,
            "split": options.split,
            **({"corruption": corruption} if corruption else {}),
            **result,
            "backend": keras.config.backend(),
            "keras": keras.__version__,
            "keras_seg": __version__,
            "seconds": round(time.monotonic() - start, 1),
        }
        try:
            write_result(result, options.output)
        except OSError as error:
            tell(f"--output {options.output}: {error.strerror}")
            return 2
        print(printable(f"See {options.output}"))
    return 0


def print_table(title, result):
    """Prints the values of each class and their means, in per cent.

    Args:
        title: String.
        result: Dictionary, as `keras_seg.inference.evaluate` returns it.

    Example:

    ```python
    from keras_seg_cli.evaluate import print_table

    values = {"sky": 0.9, "boat": None}
    means = {"mean_iou": 0.9, "mean_class_accuracy": 0.9, "pixel_accuracy": 0.95}
    result = {"images": 1, "class_iou": values, "class_accuracy": values, **means}
    print_table("harbour", result)
    ```
    """
    rows = [
        (name, iou, result["class_accuracy"][name])
        for name, iou in result["class_iou"].items()
    ]
    rows.append(("mean", result["mean_iou"], result["mean_class_accuracy"]))
    rows.append(("all pixels", None, result["pixel_accuracy"]))
    width = max(len(name) for name, _, _ in rows)
    print()
    print(printable(f"{title}: {result['images']} images"))
    print(f"  {'':<{width}}     IoU  accuracy")
    for name, *values in rows:
        iou, accuracy = ("-" if v is None else f"{v:.2%}" for v in values)
        print(printable(f"  {name:<{width}} {iou:>7} {accuracy:>9}"))


def _open_source(options, model):
    from keras_seg import data
    from keras_seg.inference.evaluate import model_names

    folder = {}
    if options.data == "folder":
        folder = {
            "class_names": model_names(model),
            "void_ids": options.void_ids,
            "palette": model.palette,
        }
    elif options.void_ids:
        raise ValueError(
            "--void-ids requires --data folder; other data sets define void."
        )
    return data.load_source(
        options.data, options.data_dir, options.split, model.ignore_class, **folder
    )


def _corruption(options):
    """The arguments of `CorruptedSource`, or `None`."""
    if not options.corruption:
        return None
    return {"name": options.corruption, "severity": options.severity or SEVERITY}


def _in_words(protocol):
    words = ["images as in predict"]
    if protocol.mode == "whole":
        words = ["whole images"]
    if protocol.mode == "slide":
        window, stride = (
            " x ".join(map(str, x)) for x in (protocol.window, protocol.stride)
        )
        words = [f"windows of {window} every {stride}"]
    if protocol.resize:
        words.append("resized to {} x {} at most".format(*protocol.resize))
    if protocol.scales != (1.0,):
        words.append("scales " + " ".join(f"{scale:g}" for scale in protocol.scales))
    if protocol.flip:
        words.append("with the mirrored image")
    return "Protocol: " + ", ".join(words)


def _name_of_data(text):
    if text in DATA_SETS or text.startswith(TFDS):
        return text
    raise argparse.ArgumentTypeError(
        f"unknown data {text!r}; choose from {', '.join(DATA_SETS)}, {TFDS}NAME"
    )
