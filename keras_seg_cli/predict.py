"""`keras-seg predict`: segments image files, draws the result, reports shares."""

import contextlib
import functools
import sys

from tqdm import tqdm

from keras_seg_cli.batch import (
    load_exported,
    load_preset,
    make_folder,
    run_jobs,
    save_pictures,
    tell,
)
from keras_seg_cli.class_shares import VOID_NAME, class_shares, share_names
from keras_seg_cli.coco_file import CocoFile
from keras_seg_cli.image_jobs import find_images, plan_jobs
from keras_seg_cli.share_report import conflict_of_report, open_report
from keras_seg_cli.streams import open_streams
from keras_seg_cli.terminal import printable


def predict(options):
    """Segments the images given in the options.

    Args:
        options: Namespace of `images`, `output`, `preset`, `model`, `threshold`,
            `long_side`, `shares`, `shares_file`, `coco`, `alpha`, `legend`, `format`
            and `overwrite`, as the parser of the command line makes it.

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
        try:
            options = stack.enter_context(open_streams(options))
        except ValueError as error:
            tell(error)
            return 2
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
    taken += [options.shares_file] if options.shares_file else []
    conflict = conflict_of_report(options.coco, paths + taken, options.overwrite)
    if conflict:
        tell(f"--coco {conflict}")
        return 2
    model = segment = None
    names = []
    if jobs:
        problem = options.output and make_folder(options.output)
        if problem:
            tell(f"--output {problem}")
            return 2
        model, segment = _load(options)
        if model is None:
            return 2
        names = share_names(model.class_names, model.num_classes)
    coco = CocoFile(options.coco, names[:-1])
    place = f"--shares-file {options.shares_file}" if options.shares_file else "stdout"
    try:
        with open_report(options.shares, options.shares_file, stdout, names) as report:

            def write_shares(job, labels):
                coco.add(job.image, labels)
                if report is None:
                    return
                height, width = labels.shape
                shares = class_shares(labels, names, model.ignore_class)
                with tqdm.external_write_mode():
                    report.write(str(job.image), width, height, shares)

            failed += run_jobs(
                jobs,
                lambda job: _segment_file(job, model, segment, options),
                write_shares,
            )
        place = "--coco"
        coco.write()
    except BrokenPipeError:
        raise
    except OSError as error:
        tell(f"{place}: {error.strerror}")
        return 2
    total = len(paths) + len(problems) - len(refused)
    output = getattr(options, "place", options.output)
    places = [output, options.shares_file, options.coco]
    places = " and ".join(str(place) for place in places if place)
    result = f"{total - failed} of {total} segmented"
    print(printable(f"{result}, see {places}" if places else result))
    return 1 if failed else 0


def _load(options):
    """The model and its function from an image to labels."""
    if options.model:
        model = load_exported(options.model)
        return model, model and model.segment
    model = load_preset(options.preset)
    if model is None:
        return None, None
    from keras_seg import inference

    return model, functools.partial(inference.segment, model)


def _segment_file(job, model, segment, options):
    from PIL import Image

    from keras_seg_runtime import draw_overlay, label_png
    from keras_seg_runtime.images.read_image import read_image

    image = read_image(job.image)
    labels = segment(image, threshold=options.threshold, long_side=options.long_side)
    if job.labels is None:
        return labels
    classes = range(model.num_classes)
    palette = model.palette
    if palette is None:
        from keras_seg.data import default_palette

        palette = default_palette(model.num_classes)
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
