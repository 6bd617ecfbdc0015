"""`keras-seg train`: trains a model on a folder or a data set."""

import argparse

from keras_seg_cli.batch import tell
from keras_seg_cli.choose_backend import explain_backend, import_keras
from keras_seg_cli.train_options import (
    add_files,
    add_settings,
    all_given,
    in_columns,
    recipe_names,
)

DESCRIPTION = """\
Trains a model on images and masks, evaluates it, and writes a preset and a report. Only
data and --output are required: all other settings are chosen for the data, printed, and
written to DIR/config.toml. A run that was stopped, in whatever way, is continued with
  keras-seg train --output DIR --resume"""

NOTES = """\
The folder of a run has config.toml (its settings), report.html, results.json, preset/
(the model, for keras-seg predict --preset DIR/preset), history.jsonl, split.json (the
images for training and validation), the weights best.weights.h5 and last.weights.h5,
and backup/, from which it is resumed.

Options win over --config, and --config over --recipe.

recipes:
{recipes}

examples:
  keras-seg train --images photos --masks masks --class-names soil crop weed \\
      --output runs/field
  keras-seg train --output runs/field --resume
  keras-seg train --config runs/field/config.toml --epochs 60 --output runs/longer
  keras-seg train --recipe cpt_ade20k_resnet_101 --data-dir ADEChallengeData2016 \\
      --output runs/cpt"""


def add_train(commands):
    """Adds the command to the parsers of `keras-seg`."""
    parser = commands.add_parser(
        "train",
        help="train a model on your own images and masks",
        usage="keras-seg train --images DIR --masks DIR --class-names NAME... "
        "--output DIR [options]",
        description=DESCRIPTION,
        epilog=NOTES.format(recipes=in_columns(recipe_names())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in the folder --output"
    )
    add_files(parser)
    add_settings(parser)


def train(options):
    """Trains a model with the given options.

    Args:
        options: Namespace, as the parser of the command line makes it.

    Returns:
        Exit status: 0, or 2 if the run could not begin or go on.

    Example:

    ```python
    from keras_seg_cli.main import build_parser
    from keras_seg_cli.train import train

    print(train(build_parser().parse_args(["train", "--images", "photos"])))  # 2
    ```
    """
    given = {}
    try:
        start_keras()
        from keras_seg.keras_internals.launch_torch import launch_processes
        from keras_seg.training import train_from_settings

        given = all_given(options)
        status = launch_processes(given.get("devices"))
        if status is not None:
            return status
        train_from_settings(given, options.resume)
    except (OSError, ValueError, ImportError) as error:
        tell(error)
        return 2
    except KeyboardInterrupt:
        resume = f"keras-seg train --output {given.get('output', 'DIR')} --resume"
        tell(f"stopped. Complete epochs are kept; continue with: {resume}")
        raise
    return 0


def start_keras():
    """Imports Keras with the chosen backend and says which one it is."""
    backend = explain_backend()
    print(f"Starting on {backend}", flush=True)
    import_keras()
