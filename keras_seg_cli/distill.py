"""`keras-seg distill`: trains a model on photos that a teacher labels."""

import argparse

from keras_seg_cli.batch import tell
from keras_seg_cli.train import start_keras
from keras_seg_cli.train_options import add_files, add_settings, all_given

DESCRIPTION = """\
Labels photos with a teacher and trains a small model on them. Masks are void where the
probability of the teacher is below --threshold; they are made once, in the folder
--labels. The training is that of keras-seg train, with more images and crops of rare
classes."""

NOTES = """\
A function of --teacher FILE.py:FUNCTION takes uint8 images (B, H, W, 3) and returns ids
(B, h, w) or probabilities (B, h, w, classes).

examples:
  keras-seg distill --images photos --teacher ecenet/ade20k --labels labels \\
      --num-classes 150 --output runs/student
  keras-seg distill --images photos --masks masks --class-names soil crop weed \\
      --output runs/student"""

WITHOUT = ("data", "data_dir", "split", "images", "masks", "max_images", "no_test")


def add_distill(commands):
    """Adds the command to the parsers of `keras-seg`."""
    parser = commands.add_parser(
        "distill",
        help="train a model on photos that a teacher labels",
        usage="keras-seg distill --images DIR (--masks DIR | --scores DIR | "
        "--teacher NAME) --num-classes K --output DIR [options]",
        description=DESCRIPTION,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("teacher").add_argument
    add("--images", required=True, metavar="DIR", help="folder of photos")
    add("--masks", metavar="DIR", help="folder of masks that a teacher made")
    add("--scores", metavar="DIR", help="folder of .npy probabilities (h, w, classes)")
    add("--teacher", metavar="NAME", help="a preset, or FILE.py:FUNCTION")
    add("--labels", metavar="DIR", help="folder for the masks of --scores, --teacher")
    add(
        "--threshold",
        type=float,
        default=0.7,
        metavar="X",
        help="lowest probability of a label (default: %(default)s)",
    )
    add(
        "--teacher-size",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="stretch photos to this size for the teacher (default: their own, or "
        "that of a preset)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in the folder --output"
    )
    add_files(parser)
    add_settings(parser, without=WITHOUT)


def distill(options):
    """Labels and trains with the given options.

    Args:
        options: Namespace, as the parser of the command line makes it.

    Returns:
        Exit status: 0, or 2 if the run could not begin or go on.

    Example:

    ```python
    from keras_seg_cli.distill import distill
    from keras_seg_cli.main import build_parser

    words = ["distill", "--images", "photos", "--teacher", "ecenet/ade20k"]
    print(distill(build_parser().parse_args(words)))  # 2: --labels is missing
    ```
    """
    try:
        start_keras()
        from keras_seg.training import distill as distill_photos

        given = all_given(options)
        for name in ("images", "masks"):
            given.pop(name, None)
        distill_photos(
            options.images,
            options.masks,
            options.scores,
            options.teacher,
            options.labels,
            options.threshold,
            options.teacher_size,
            options.resume,
            **given,
        )
    except (OSError, ValueError, ImportError) as error:
        tell(error)
        return 2
    return 0
