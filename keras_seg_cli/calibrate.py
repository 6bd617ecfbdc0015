"""`keras-seg calibrate`: calibrates the probabilities of a preset."""

import argparse
import json
import os

from keras_seg_cli.batch import tell
from keras_seg_cli.train import start_keras
from keras_seg_cli.train_options import add_settings, given_settings, setting_groups

DESCRIPTION = """\
Finds, on images that the model was not trained on, the temperature with which its
probabilities match its accuracy, and saves the model with it. No predicted class
changes. Prints the calibration error before and after, and the share of pixels that
keras-seg predict --threshold keeps. The report is written to DIR.calibration.json."""

NOTES = """\
examples:
  keras-seg calibrate --preset runs/field/preset --images photos --masks masks \\
      --output calibrated"""

ID_SETTINGS = ("void_ids", "first_id")


def add_calibrate(commands):
    """Adds the command to the parsers of `keras-seg`."""
    parser = commands.add_parser(
        "calibrate",
        help="calibrate the probabilities of a model",
        description=DESCRIPTION,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--preset", "-p", required=True, metavar="NAME", help="name or folder")
    add("--images", required=True, metavar="DIR", help="folder of held-out images")
    add("--masks", required=True, metavar="DIR", help="folder of their masks")
    add("--output", "-o", required=True, metavar="DIR", help="folder of the new preset")
    add("--overwrite", action="store_true", help="replace an existing preset")
    others = setting_groups()["data"].keys() - ID_SETTINGS
    add_settings(parser, groups=["data"], without=others)


def calibrate(options):
    """Calibrates a preset with the given options and prints the report.

    Args:
        options: Namespace, as the parser of the command line makes it.

    Returns:
        Exit status: 0, or 2 if the preset or a file cannot be used, or the output
        exists.

    Example:

    ```python
    from keras_seg_cli.calibrate import calibrate
    from keras_seg_cli.main import build_parser

    words = ["calibrate", "-p", "no/preset", "--images", "x", "--masks", "y"]
    print(calibrate(build_parser().parse_args([*words, "-o", "z"])))  # 2
    ```
    """
    try:
        output = options.output
        if os.path.exists(output) and not options.overwrite:
            raise FileExistsError(f"{output} exists, pass --overwrite to replace it")
        start_keras()
        from keras_seg.training import calibrate_preset

        given = given_settings(options)
        report = calibrate_preset(
            options.preset,
            options.images,
            options.masks,
            output,
            **{name: given[name] for name in ID_SETTINGS if name in given},
        )
    except (OSError, ValueError, ImportError) as error:
        tell(error)
        return 2
    print(json.dumps(report, indent=2))
    return 0
