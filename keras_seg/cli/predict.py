"""`keras-seg predict`: segments image files and draws the result."""

import os
import sys

from tqdm import tqdm

from keras_seg.cli.choose_backend import choose_backend, import_keras
from keras_seg.cli.image_jobs import find_images, plan_jobs


def predict(options):
    """Segments the images that the options name.

    Args:
        options: Namespace of `images`, `output`, `preset`, `alpha`, `legend`,
            `format` and `overwrite`, as the parser of the command line makes it.

    Returns:
        Exit status: 0, 1 if any image failed, 2 if nothing could start.

    Example:

    ```python
    import argparse
    from keras_seg.cli.predict import predict

    options = argparse.Namespace(
        images=["nowhere.jpg"], output="out", format="png", overwrite=False
    )
    print(predict(options))  # 1: there is no such file
    ```
    """
    paths, problems = find_images(options.images)
    jobs, refused, notes = plan_jobs(
        paths, options.output, options.format, options.overwrite
    )
    problems += refused
    for line in notes + problems:
        _tell(line)
    failed = len(problems)
    if jobs:
        try:
            os.makedirs(options.output, exist_ok=True)
        except OSError as error:
            _tell(f"--output {options.output}: {error.strerror}")
            return 2
        model = _load(options.preset)
        if model is None:
            return 2
        failed += _run(jobs, model, options)
    total = len(paths) + len(problems) - len(refused)
    print(_printable(f"{total - failed} of {total} segmented, see {options.output}"))
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


def _run(jobs, model, options):
    """Does all jobs and returns how many failed."""
    failed = 0
    for job in tqdm(jobs, unit="image", disable=None):
        try:
            _segment_file(job, model, options)
        except Exception as error:  # whatever it is must not end the batch
            failed += 1
            reason = str(error)
            if not isinstance(error, (OSError, ValueError)):
                reason = f"{type(error).__name__}: {error}"
            _tell(reason if str(job.image) in reason else f"{job.image}: {reason}")
    return failed


def _segment_file(job, model, options):
    from PIL import Image

    from keras_seg.data.read_image import read_image
    from keras_seg.inference import default_palette, draw_overlay, label_png, segment

    image = read_image(job.image)
    labels = segment(model, image)
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
    )
    _save(label_png(labels, palette), job.labels)
    _save(Image.fromarray(overlay), job.overlay, quality=92)


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
