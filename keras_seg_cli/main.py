"""The command `keras-seg`. Imports Keras only when a command runs."""

import argparse
import sys
import warnings

from keras_seg_cli.benchmark import add_benchmark
from keras_seg_cli.calibrate import add_calibrate
from keras_seg_cli.convert import add_convert
from keras_seg_cli.distill import add_distill
from keras_seg_cli.evaluate import add_evaluate
from keras_seg_cli.export import add_export
from keras_seg_cli.info import add_info
from keras_seg_cli.terminal import discard_output, open_missing_streams, printable
from keras_seg_cli.train import add_train

DESCRIPTION = "Semantic segmentation in Keras 3."

PREDICT = """\
Segments images: for each, writes NAME_overlay.png, the picture with its classes in
colour and a legend, and NAME_labels.png, whose pixel values are the class ids. With
--shares it reports how much of each image every class covers."""

PREDICT_NOTES = """\
A folder means the images directly in it, except those whose names end in _overlay,
_labels or _regions; the pattern 'DIR/**/*' includes subfolders. Hidden files are never
included. An image that cannot be read is reported in one line on stderr, the others are
still processed, and the exit status is 1. Two images of the same name get different
output names (photo, photo-2). Existing files are kept, and count as an error, unless
--overwrite is given. The backend is KERAS_BACKEND if it is set. Otherwise it is jax or
torch if one of them is installed beside tensorflow, which keras-hub always brings, or
else the fastest on a CPU: tensorflow, torch, jax.

shares:
  table  for each image its size and the classes in it, largest first
  csv    one row for each image; the columns are image, then every class of the model,
         then uncertain (void, see --threshold)
  json   a list of {"image": PATH, "width": W, "height": H, "shares": {NAME: SHARE}}
         with the classes that occur, largest first, void last as "uncertain"
Shares in csv and json are in 0..1 and sum to 1. They are written to stdout after each
image, and all other messages to stderr; an image that fails has no row. In csv an
apostrophe is put before a name that a spreadsheet could read as a formula; json keeps
all names unchanged.

examples:
  keras-seg predict photo.jpg --output segmented
  keras-seg predict holiday/ 'more/**/*.png' --output segmented --alpha 0.4
  keras-seg predict holiday/ --threshold 0.5 --shares csv > shares.csv
  keras-seg predict holiday/ --coco labels.json
  curl -s ADDRESS | keras-seg predict - --model m.onnx --output - > labels.png"""

EXPLAIN = """\
Draws the latent regions of a model: for each image, writes NAME_regions.png, the
picture with its regions in colour. The legend gives the number of each region and
its most frequent class. Files are found, named and kept as by keras-seg predict."""

EXPLAIN_NOTES = """\
examples:
  keras-seg explain photo.jpg --preset runs/sgr/preset --output explained"""


def main(arguments=None):
    """Runs the command line and returns the exit status.

    Args:
        arguments: List of strings; `None` takes those of the process.

    Returns:
        0 on success, 1 if some images failed, 2 if the command could not start.

    Example:

    ```python
    from keras_seg_cli.main import main

    try:
        main(["--version"])
    except SystemExit as stop:
        print(stop.code)  # 0
    ```
    """
    stdout_closed = open_missing_streams()
    try:
        status = _run(arguments, stdout_closed)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("keras-seg: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1  # the reader, such as `head`, has closed the output
    except OSError as error:
        print(f"keras-seg: {printable(error)}", file=sys.stderr)
        return 2
    finally:
        discard_output()


def _run(arguments, stdout_closed):
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command == "convert":
        from keras_seg_cli.convert import convert as command
    elif options.command == "export":
        from keras_seg_cli.export import export as command
    elif options.command == "info":
        from keras_seg_cli.info import info as command
    elif options.command == "list":
        from keras_seg_cli.info import list_presets as command
    elif options.command == "benchmark":
        from keras_seg_cli.benchmark import benchmark as command
    elif options.command == "explain":
        from keras_seg_cli.explain import explain as command
    elif options.command == "evaluate":
        from keras_seg_cli.evaluate import evaluate as command
    elif options.command == "train":
        from keras_seg_cli.train import train as command
    elif options.command == "distill":
        from keras_seg_cli.distill import distill as command
    elif options.command == "calibrate":
        from keras_seg_cli.calibrate import calibrate as command
    else:
        if not options.output and not options.shares and not options.coco:
            parser.error(
                "nothing to do: give --output DIR for pictures, or --shares, or --coco"
            )
        if options.shares_file and not options.shares:
            parser.error("--shares-file needs --shares table, csv or json")
        if options.shares and not options.shares_file and stdout_closed:
            parser.error("stdout is closed: give --shares-file FILE for the shares")
        from keras_seg_cli.predict import predict as command
    from keras_seg_cli.batch import tell

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: tell(message)
        return command(options)


class Parser(argparse.ArgumentParser):
    """Escapes control characters of arguments in error messages."""

    def error(self, message):
        super().error(printable(message))


class Version(argparse.Action):
    """Looks up the version only if it is requested."""

    def __call__(self, parser, *_):
        import importlib.metadata

        print("keras-seg", importlib.metadata.version("keras-seg"))
        parser.exit()


def build_parser():
    parser = Parser(prog="keras-seg", description=DESCRIPTION)
    parser.add_argument(
        "--version", action=Version, nargs=0, help="show the version and exit"
    )
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    predict = commands.add_parser(
        "predict",
        help="segment images and draw the result",
        description=PREDICT,
        epilog=PREDICT_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_images(predict)
    predict.add_argument(
        "--output",
        "-o",
        metavar="DIR",
        help="folder for the pictures; optional with --shares and --coco; - writes the "
        "label map of one image to stdout",
    )
    model = predict.add_mutually_exclusive_group()
    model.add_argument(
        "--preset",
        "-p",
        default="ecenet/ade20k",
        metavar="NAME",
        help="shipped preset, or folder or .keras file of a saved model (default: "
        "%(default)s)",
    )
    model.add_argument(
        "--model",
        "-m",
        metavar="FILE",
        help="file of keras-seg export: it runs without Keras, and starts faster",
    )
    predict.add_argument(
        "--threshold",
        type=_share,
        metavar="X",
        help="make pixels void whose most probable class has a probability below X, 0 "
        "to 1: not coloured, and uncertain in legend and shares",
    )
    predict.add_argument(
        "--shares",
        choices=["table", "csv", "json"],
        help="print how much of each image every class covers",
    )
    predict.add_argument(
        "--shares-file", metavar="FILE", help="write the shares to a file instead"
    )
    predict.add_argument(
        "--coco",
        metavar="FILE",
        help="write the labels of all images as JSON of COCO, run-length encoded",
    )
    _add_drawing(predict)
    explain = commands.add_parser(
        "explain",
        help="draw the latent regions of a model",
        description=EXPLAIN,
        epilog=EXPLAIN_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_images(explain)
    explain.add_argument(
        "--output", "-o", metavar="DIR", required=True, help="folder for the pictures"
    )
    explain.add_argument(
        "--preset",
        "-p",
        required=True,
        metavar="NAME",
        help="shipped preset or folder of a saved one, of a model with regions",
    )
    _add_drawing(explain)
    for add in (add_convert, add_evaluate, add_train, add_distill, add_calibrate):
        add(commands)
    for add in (add_export, add_info, add_benchmark):
        add(commands)
    return parser


def _add_images(parser):
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image file, folder or glob pattern; - in predict reads one from stdin",
    )


def _add_drawing(parser):
    parser.add_argument(
        "--long-side",
        type=_size,
        metavar="N",
        help="downscale larger images to N pixels for the model; 0 keeps their own "
        "size (default: that of the preset)",
    )
    parser.add_argument(
        "--alpha",
        type=_share,
        default=0.55,
        metavar="X",
        help="opacity of the colours, 0 to 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--no-legend",
        dest="legend",
        action="store_false",
        help="draw no legend, so that the overlay has the size of the image",
    )
    parser.add_argument(
        "--format",
        choices=["png", "jpg"],
        default="png",
        help="format of the overlay; label maps are always PNG (default: %(default)s)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing output files"
    )


def _share(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text}")
    return value


def _size(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, not {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
