"""`keras-seg predict`: segments image files, draws the result, reports shares."""

import contextlib
import os
import sys

from tqdm import tqdm

from keras_seg.cli.choose_backend import choose_backend, import_keras
from keras_seg.cli.class_shares import VOID_NAME, class_shares, share_names
from keras_seg.cli.image_jobs import find_images, plan_jobs
from keras_seg.cli.share_report import conflict_of_report, open_report


def predict(options):
    """Segments the images that the options name.

    Args:
        options: Namespace of `images`, `output`, `preset`, `threshold`, `long_side`,
            `shares`, `shares_file`, `alpha`, `legend`, `format` and `overwrite`, as
            the parser of the command line makes it.

    Returns:
        Exit status: 0, 1 if any image failed, 2 if nothing could start or the shares
        could not be written.

    Example:

    ```python
    from keras_seg.cli.main import build_parser
    from keras_seg.cli.predict import predict

    options = build_parser().parse_args(["predict", "nowhere.jpg", "--output", "out"])
    print(predict(options))  # 1: there is no such file
    ```
    """
    stdout = sys.stdout
    with contextlib.ExitStack() as stack:
        if options.shares and not options.shares_file:
            # Whatever else is printed, here or in a library, must not be among them.
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        return _predict(options, stdout)


def _predict(options, stdout):
    paths, problems = find_images(options.images)
    jobs, refused, notes = plan_jobs(
        paths, options.output, options.format, options.overwrite
    )
    problems += refused
    for line in notes + problems:
        _tell(line)
    failed = len(problems)
    taken = [path for job in jobs for path in (job.overlay, job.labels) if path]
    conflict = conflict_of_report(options.shares_file, paths + taken, options.overwrite)
    if conflict:
        _tell(f"--shares-file {conflict}")
        return 2
    model, names = None, []
    if jobs:
        try:
            if options.output is not None:
                os.makedirs(options.output, exist_ok=True)
        except OSError as error:
            _tell(f"--output {options.output}: {error.strerror}")
            return 2
        model = _load(options.preset)
        if model is None:
            return 2
        names = share_names(model.class_names, model.num_classes)
    try:
        with open_report(options.shares, options.shares_file, stdout, names) as report:
            failed += _run(jobs, model, options, report, names)
    except BrokenPipeError:
        raise
    except OSError as error:
        place = options.shares_file
        _tell(f"{f'--shares-file {place}' if place else 'stdout'}: {error.strerror}")
        return 2
    total = len(paths) + len(problems) - len(refused)
    places = [options.output, options.shares_file]
    places = " and ".join(str(place) for place in places if place)
    result = f"{total - failed} of {total} segmented"
    print(_printable(f"{result}, see {places}" if places else result))
    return 1 if failed else 0


def _load(preset):
    try:
        backend = choose_backend()
        print(f"Loading {_printable(preset)} on {backend}", flush=True)
        import_keras()
        from keras_seg import presets

        return presets.load_model(preset)
    except (OSError, ValueError, ImportError) as error:
        _tell(f"--preset {preset}: {error}")
        return None


def _run(jobs, model, options, report, names):
    """Does all jobs and returns how many failed."""
    failed = 0
    for job in tqdm(jobs, unit="image", disable=None):
        try:
            labels = _segment_file(job, model, options)
        except Exception as error:  # whatever it is must not end the batch
            failed += 1
            reason = str(error)
            if not isinstance(error, (OSError, ValueError)):
                reason = f"{type(error).__name__}: {error}"
            _tell(reason if str(job.image) in reason else f"{job.image}: {reason}")
            continue
        if report is not None:
            height, width = labels.shape
            shares = class_shares(labels, names, model.ignore_class)
            with tqdm.external_write_mode():
                report.write(str(job.image), width, height, shares)
    return failed


def _segment_file(job, model, options):
    from PIL import Image

    from keras_seg.data.read_image import read_image
    from keras_seg.inference import default_palette, draw_overlay, label_png, segment

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
    _save(label_png(labels, palette), job.labels)
    _save(Image.fromarray(overlay), job.overlay, quality=92)
    return labels


def _save(picture, path, **options):
    """Writes beside the target first, so that no half-written file takes its name."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        picture.save(draft, **options)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _tell(line):
    """One line on stderr that leaves the progress bar whole."""
    text = " ".join(_printable(line).split())
    tqdm.write(f"keras-seg: {text}", file=sys.stderr)


def _printable(text):
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")
