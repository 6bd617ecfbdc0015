"""`keras-seg predict`: segments images and videos, draws the result, reports shares."""

import contextlib
import sys

from tqdm import tqdm

from keras_seg_cli.annotation_files import AnnotationFiles, conflict_of_annotations
from keras_seg_cli.batch import make_folder, run_jobs, tell
from keras_seg_cli.class_shares import class_shares, shares_of_counts
from keras_seg_cli.image_jobs import find_images, plan_jobs
from keras_seg_cli.predictor import load_predictor
from keras_seg_cli.share_report import conflict_of_report, open_report
from keras_seg_cli.streams import open_streams
from keras_seg_cli.terminal import printable
from keras_seg_cli.video_jobs import plan_videos, segment_video_job, take_videos


def predict(options):
    """Segments the images and videos given in the options.

    Args:
        options: Namespace, as the parser of the command line makes it.

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
    videos, words = take_videos(options.images)
    images, problems = find_images(words)
    jobs, refused, notes = _plan_images(images, options)
    video_jobs, refused_videos, video_notes = plan_videos(
        videos, options.output, options.overwrite
    )
    refused += refused_videos
    problems += refused
    for line in notes + video_notes + problems:
        tell(line)
    predictor = None
    problem = _conflict(options, images, videos, jobs + video_jobs)
    if not problem and (jobs or video_jobs):
        problem = _missing_library(options)
        if options.output and not problem:
            problem = make_folder(options.output)
            problem = problem and f"--output {problem}"
    if problem:
        tell(problem)
        return 2
    if jobs or video_jobs:
        predictor = load_predictor(options)
        if predictor is None:
            return 2
    place = f"--shares-file {options.shares_file}" if options.shares_file else "stdout"
    try:
        names = predictor.share_names if predictor else []
        with open_report(options.shares, options.shares_file, stdout, names) as report:
            failed = len(problems)
            failed += _run_images(jobs, images, predictor, options, report)
            failed += _run_videos(video_jobs, predictor, options, report)
    except BrokenPipeError:
        raise
    except _AnnotationsFailed as error:
        tell(error)
        return 2
    except OSError as error:
        tell(f"{place}: {error.strerror}")
        return 2
    total = len(images) + len(videos) + len(problems) - len(refused)
    output = getattr(options, "place", options.output)
    places = [output, options.shares_file, options.coco, options.labelme, options.cvat]
    places = " and ".join(str(place) for place in places if place)
    result = f"{total - failed} of {total} segmented"
    print(printable(f"{result}, see {places}" if places else result))
    return 1 if failed else 0


def _plan_images(images, options):
    if options.geotiff:
        endings = ("_labels", None)
        return plan_jobs(images, options.output, "tif", options.overwrite, endings)
    return plan_jobs(images, options.output, options.format, options.overwrite)


def _conflict(options, images, videos, jobs):
    """A message of one line if files would replace others, or do not fit together."""
    if videos and (options.coco or options.labelme or options.cvat):
        return f"{videos[0]}: --coco, --labelme and --cvat are for images"
    inputs = images + videos
    taken = [path for job in jobs for path in (job.overlay, job.labels) if path]
    problem = conflict_of_report(options.shares_file, inputs + taken, options.overwrite)
    if problem:
        return f"--shares-file {problem}"
    taken += [options.shares_file] if options.shares_file else []
    return conflict_of_annotations(options, images, taken)


def _missing_library(options):
    """A message of one line if a library that the options need is not installed."""
    from keras_seg_runtime.optional import import_optional

    try:
        if options.geotiff:
            import_optional("rasterio", "--geotiff needs", "'keras-seg[geo]'")
        if options.labelme or options.cvat or options.coco_form == "polygons":
            import_optional("cv2", "Polygons need", "opencv-python-headless")
    except ImportError as error:
        return str(error)
    return None


class _AnnotationsFailed(Exception):
    """The files for other tools cannot be written."""


@contextlib.contextmanager
def _annotation_errors():
    try:
        yield
    except OSError as error:
        path = error.filename or "--coco, --labelme or --cvat"
        raise _AnnotationsFailed(f"{path}: {error.strerror}") from error


def _run_images(jobs, images, predictor, options, report):
    """Segments all images, and returns how many failed."""
    if predictor is None:
        return 0
    names = predictor.share_names
    annotations = AnnotationFiles(options, names[:-1], predictor.palette, images)

    def done(job, labels):
        with _annotation_errors():
            annotations.add(job.image, labels)
        _report(report, job.image, labels, predictor)

    def geotiff_done(job, result):
        if report is not None:
            (height, width), counts = result
            shares = shares_of_counts(counts, names, predictor.ignore_class)
            with tqdm.external_write_mode():
                report.write(str(job.image), width, height, shares)

    if options.geotiff:
        return run_jobs(jobs, predictor.write_geotiff, geotiff_done)
    failed = run_jobs(jobs, predictor.write_pictures, done)
    with _annotation_errors():
        annotations.write()
    return failed


def _run_videos(jobs, predictor, options, report):
    """Segments all videos, and returns how many are not complete."""
    complete = []

    def segment(job):
        return segment_video_job(
            job,
            predictor.segment,
            predictor.draw,
            options,
            lambda name, labels: _report(report, name, labels, predictor),
        )

    failed = run_jobs(jobs, segment, lambda _, whole: complete.append(whole), "video")
    return failed + complete.count(False)


def _report(report, name, labels, predictor):
    if report is None:
        return
    shares = class_shares(labels, predictor.share_names, predictor.ignore_class)
    height, width = labels.shape
    with tqdm.external_write_mode():
        report.write(str(name), width, height, shares)
