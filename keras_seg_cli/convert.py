"""`keras-seg convert`: converts a published checkpoint to a preset."""

import argparse
import os

from keras_seg_cli.batch import tell
from keras_seg_cli.choose_backend import choose_backend, import_keras
from keras_seg_cli.terminal import printable

CONVERT = """\
Converts a published checkpoint to a preset that from_preset and --preset find by its
name. Reads .pth, .pt and .safetensors of torch, .npz, and .ckpt of MindSpore, with
the names of mmsegmentation. Only arrays are read, and no code is run. Every name and
shape is checked, and nothing is written unless all of them match."""

CONVERT_NOTES = """\
--preset gives the configuration of the checkpoint: the name of one of the papers'
presets, or the folder of a saved preset. Without --output the new preset is written to
the user's cache (~/.cache/keras_seg).

examples:
  keras-seg convert ecenet.ckpt --model ecenet --preset ade20k_swin_base_640
  keras-seg predict photo.jpg --preset ecenet/ade20k_swin_base_640 --output segmented"""

CLASSES = {"ecenet": "ECENet", "cpt": "CPT"}


def add_convert(commands):
    """Adds the command to a parser's subcommands.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.

    Example:

    ```python
    import argparse
    from keras_seg_cli.convert import add_convert

    parser = argparse.ArgumentParser()
    add_convert(parser.add_subparsers())
    words = "a.pth --model cpt --preset ade20k_resnet_101_512".split()
    print(parser.parse_args(["convert", *words]).model)  # cpt
    ```
    """
    convert = commands.add_parser(
        "convert",
        help="convert a published checkpoint to a preset",
        description=CONVERT,
        epilog=CONVERT_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    convert.add_argument("checkpoint", metavar="CHECKPOINT", help="file to convert")
    convert.add_argument("--model", choices=CLASSES, required=True, help="its method")
    convert.add_argument(
        "--preset",
        "-p",
        metavar="NAME",
        required=True,
        help="preset with its configuration",
    )
    convert.add_argument(
        "--output", "-o", metavar="DIR", help="folder for the new preset"
    )
    convert.add_argument(
        "--half",
        action="store_true",
        help="store kernels in half precision, at half the size",
    )
    convert.add_argument(
        "--overwrite", action="store_true", help="replace an existing preset"
    )


def convert(options):
    """Converts the checkpoint that the options name.

    Args:
        options: Namespace of `checkpoint`, `model`, `preset`, `output`, `half` and
            `overwrite`, as the parser of the command line makes it.

    Returns:
        Exit status: 0, or 2 if nothing was converted.

    Example:

    ```python
    from keras_seg_cli.convert import convert
    from keras_seg_cli.main import build_parser

    words = "convert nowhere.npz --model cpt --preset ade20k_resnet_101_512".split()
    print(convert(build_parser().parse_args(words)))  # 2: there is no such file
    ```
    """
    try:
        choose_backend()
        import_keras()
        import keras_seg
        from keras_seg.conversion.convert_checkpoint import default_output

        model_class = getattr(keras_seg, CLASSES[options.model])
        output = options.output or default_output(model_class, options.preset)
        if os.path.exists(output) and not options.overwrite:
            raise FileExistsError(f"{output} exists, pass --overwrite to replace it")
        folder = keras_seg.conversion.convert_checkpoint(
            options.checkpoint,
            model_class,
            options.preset,
            output,
            storage_dtype="float16" if options.half else None,
        )
    except (OSError, ValueError, ImportError) as error:
        first, *rest = str(error).splitlines() or [type(error).__name__]
        tell(first)
        for line in rest:  # one problem each
            tell(line)
        return 2
    print(printable(f"Converted {options.checkpoint}, see {folder}"))
    return 0
