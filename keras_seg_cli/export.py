"""`keras-seg export`: files of a model for other runtimes."""

import argparse
from pathlib import Path

from keras_seg_cli.batch import load_preset, tell
from keras_seg_cli.terminal import printable

EXPORT = """\
Exports a model to files that run without Keras, for images of any size and batches of
any number. Each file is run in its own runtime, at two sizes and with a batch of two,
and compared with the model; if labels differ, nothing is written. NAME.json beside the
files has the classes, colours, licence, hashes and versions."""

EXPORT_NOTES = """\
formats:
  onnx         NAME.onnx, for ONNX Runtime, browsers and many others
  litert       NAME.tflite, for LiteRT (TensorFlow Lite) on phones and small computers
  openvino     NAME.xml and NAME.bin, for processors of Intel
  saved-model  NAME, a folder, for TensorFlow
Files are converted on TensorFlow in a process of its own, whichever backend is used.
The packages needed are those of: pip install 'keras-seg[export]'.

examples:
  keras-seg export --preset ecenet/camvid --format onnx litert --output exported
  keras-seg export --preset run.keras --format onnx --weights float16 --output exported
  keras-seg predict photo.jpg --model exported/ecenet_camvid.onnx --output segmented"""


def add_export(commands):
    """Adds the command to a parser's subcommands.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.
    """
    export = commands.add_parser(
        "export",
        help="export a model to files for other runtimes",
        description=EXPORT,
        epilog=EXPORT_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument(
        "--preset",
        "-p",
        metavar="NAME",
        required=True,
        help="shipped preset, folder of a saved one, or a .keras file of a model",
    )
    export.add_argument(
        "--format",
        nargs="+",
        choices=["onnx", "litert", "openvino", "saved-model"],
        required=True,
        help="one or several formats, see below",
    )
    export.add_argument(
        "--output", "-o", metavar="DIR", required=True, help="folder for the files"
    )
    export.add_argument(
        "--size",
        nargs=2,
        type=int,
        metavar=("H", "W"),
        help="fix the height and width of images (default: any size)",
    )
    export.add_argument(
        "--weights",
        choices=["float32", "float16"],
        default="float32",
        help="float16 halves the file; up to 2 %% of the labels may differ (default: "
        "%(default)s)",
    )
    output = export.add_mutually_exclusive_group()
    output.add_argument(
        "--head-logits",
        action="store_true",
        help="return logits at the resolution of the head, which take less memory and "
        "time; keras_seg_runtime upsamples them where labels need it",
    )
    output.add_argument(
        "--labels",
        action="store_true",
        help="return the class of each pixel in place of logits; then large images "
        "cannot be cut or downscaled, and there is no threshold",
    )
    export.add_argument(
        "--overwrite", action="store_true", help="replace existing files"
    )


def export(options):
    """Exports the model that the options name.

    Args:
        options: Namespace of `preset`, `format`, `output`, `size`, `weights`, `labels`,
            `head_logits` and `overwrite`, as the parser of the command line makes it.

    Returns:
        Exit status: 0, or 2 if nothing was exported.
    """
    model = load_preset(options.preset)
    if model is None:
        return 2
    from keras_seg.export import export_model

    print("Converting and checking, which takes minutes", flush=True)
    try:
        paths = export_model(
            model,
            options.output,
            export_name(options.preset),
            options.format,
            options.size,
            options.weights,
            options.labels,
            options.overwrite,
            options.head_logits,
        )
    except (OSError, ValueError, ImportError) as error:
        tell(error)
        return 2
    for path in paths:
        print(printable(f"Exported {path}"))
    return 0


def export_name(preset):
    """The name of exported files: `ecenet_camvid` for the preset `ecenet/camvid`."""
    path = Path(preset)
    if path.suffix == ".keras":
        return path.stem
    if path.is_dir():
        return path.resolve().name
    return "_".join(part for part in path.parts if part not in ("/", ".", ".."))
