"""`keras-seg predict`: segments image files, draws the result, reports shares."""

import contextlib
import sys

from tqdm import tqdm

from keras_seg_cli.batch import load_preset, make_folder, run_jobs, save_pictures, tell
from keras_seg_cli.class_shares import VOID_NAME, class_shares, share_names
from keras_seg_cli.image_jobs import find_images, plan_jobs
from keras_seg_cli.share_report import conflict_of_report, open_report
from keras_seg_cli.terminal import printable


def predict(options):
    """Segments the images given in the options.

    Args:
        options: Namespace of `images`, `output`, `preset`, `threshold`, `long_side`,
            `shares`, `shares_file`, `alpha`, `legend`, `format` and `overwrite`, as
            the parser of the command line makes it.

    Returns:
        Exit status: 0, 1 if any image failed, 2 if the command could not start or the
        shares could not be written.

    Example:

    ```python
    from keras_seg_cli.main import build_parser
    from keras_seg_cli.predict import predict

    options = build_parser().parse_args(["predict", "nowhere.jpg", "--output", "out"])
    print(predict(options))  # 1: there is no such file
    ```
    """
    stdout = sys.stdout
    with contextlib.ExitStack() as stack:
        if options.shares and not options.shares_file:
            # Other output, also that of libraries, must not be mixed with the shares.
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        return _predict(options, stdout)


def _predict(options, stdout):
    paths, problems = find_images(options.images)
    jobs, refused, notes = plan_jobs(
        paths, options.output, options.format, options.overwrite
    )
    problems += refused
    for line in notes + problems:
        tell(line)
    failed = len(problems)
    taken = [path for job in jobs for path in (job.overlay, job.labels) if path]
    conflict = conflict_of_report(options.shares_file, paths + taken, options.overwrite)
    if conflict:
        tell(f"--shares-file {conflict}")
        return 2
    model, names = None, []
    if jobs:
        problem = options.output and make_folder(options.output)
        if problem:
            tell(f"--output {problem}")
            return 2
        model = load_preset(options.preset)
        if model is None:
            return 2
        names = share_names(model.class_names, model.num_classes)
    try:
        with open_report(options.shares, options.shares_file, stdout, names) as report:

            def write_shares(job, labels):
                height, width = labels.shape
                shares = class_shares(labels, names, model.ignore_class)
                with tqdm.external_write_mode():
                    report.write(str(job.image), width, height, shares)

            failed += run_jobs(
                jobs,
                lambda job: _segment_file(job, model, options),
                None if report is None else write_shares,
            )
    except BrokenPipeError:
        raise
    except OSError as error:
        place = options.shares_file
        tell(f"{f'--shares-file {place}' if place else 'stdout'}: {error.strerror}")
        return 2
    total = len(paths) + len(problems) - len(refused)
    places = [options.output, options.shares_file]
    places = " and ".join(str(place) for place in places if place)
    result = f"{total - failed} of {total} segmented"
    print(printable(f"{result}, see {places}" if places else result))
    return 1 if failed else 0


def _segment_file(job, model, options):
    from PIL import Image

    from keras_seg.data.files.read_image import read_image
    from keras_seg.inference import segment
    from keras_seg.visualization import default_palette, draw_overlay, label_png

    image = read_image(job.image)
    labels = segment(
        model, image, threshold=options.threshold, long_side=options.long_side
    )
    if job.labels is None:
        return labels
    classes = range(model.num_classes)
    palette = model.palette or default_palette(model.num_classes)
    overlay = draw_overlay(
        image,
        labels,
        model.class_names or [f"class {class_id}" for class_id in classes],
        palette,
        alpha=options.alpha,
        legend=options.legend,
        ignore_class=model.ignore_class,
        void_name=VOID_NAME,
    )
    save_pictures(
        [
            (label_png(labels, palette), job.labels, {}),
            (Image.fromarray(overlay), job.overlay, {"quality": 92}),
        ]
    )
    return labels
