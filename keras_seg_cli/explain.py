"""`keras-seg explain`: draws the latent regions of a model."""

import argparse

from keras_seg_cli.batch import load_preset, make_folder, run_jobs, save_pictures, tell
from keras_seg_cli.image_jobs import find_images, plan_jobs
from keras_seg_cli.image_options import add_drawing, add_images
from keras_seg_cli.terminal import printable

EXPLAIN = """\
Draws the latent regions of a model: for each image, writes NAME_regions.png, the
picture with its regions in colour. The legend gives the number of each region and
its most frequent class. Files are found, named and kept as by keras-seg predict."""

EXPLAIN_NOTES = """\
examples:
  keras-seg explain photo.jpg --preset runs/sgr/preset --output explained"""


def add_explain(commands):
    """Adds the command to a parser's subcommands."""
    explain = commands.add_parser(
        "explain",
        help="draw the latent regions of a model",
        description=EXPLAIN,
        epilog=EXPLAIN_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_images(explain)
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
    add_drawing(explain)


def explain(options):
    """Draws the latent regions over the images given in the options.

    Args:
        options: Namespace of `images`, `output`, `preset`, `long_side`, `alpha`,
            `legend`, `format` and `overwrite`, as the parser of the command line makes
            it.

    Returns:
        Exit status: 0, 1 if any image failed, 2 if the command could not start.

    Example:

    ```python
    from keras_seg_cli.explain import explain
    from keras_seg_cli.main import build_parser

    words = "explain nowhere.jpg --preset sgr --output out".split()
    print(explain(build_parser().parse_args(words)))  # 1: there is no such file
    ```
    """
    paths, problems = find_images(options.images)
    jobs, refused, notes = plan_jobs(
        paths, options.output, options.format, options.overwrite, ("_regions", None)
    )
    problems += refused
    for line in notes + problems:
        tell(line)
    failed = len(problems)
    if jobs:
        model = load_preset(options.preset)
        if model is None:
            return 2
        if not getattr(model, "has_regions", False):
            tell(
                f"--preset {options.preset}: a {type(model).__name__} without latent "
                "regions. Give a preset of SGR, or of a model with a reasoner."
            )
            return 2
        if options.long_side is not None:
            model.long_side = options.long_side or None
        problem = make_folder(options.output)
        if problem:
            tell(f"--output {problem}")
            return 2
        failed += run_jobs(jobs, lambda job: _explain_file(job, model, options))
    total = len(paths) + len(problems) - len(refused)
    print(printable(f"{total - failed} of {total} explained, see {options.output}"))
    return 1 if failed else 0


def _explain_file(job, model, options):
    from PIL import Image

    from keras_seg.inference import segment
    from keras_seg.visualization import draw_regions
    from keras_seg_runtime.images.read_image import read_image

    image = read_image(job.image)
    picture = draw_regions(
        image,
        model.regions(image, hard=True),
        segment(model, image),
        model.class_names or [f"class {i}" for i in range(model.num_classes)],
        alpha=options.alpha,
        legend=options.legend,
    )
    save_pictures([(Image.fromarray(picture), job.overlay, {"quality": 92})])
