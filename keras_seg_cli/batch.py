"""What commands over many images share: preset, loop, files and messages.

Imports what is slow to import only where it is used, so that `--help` is fast.
"""

import io
import os
import sys

from keras_seg_cli.choose_backend import choose_backend, import_keras
from keras_seg_cli.terminal import printable


def load_preset(preset):
    """The model of a preset, on the backend chosen, or `None` after a message."""
    try:
        backend = choose_backend()
        print(f"Loading {printable(preset)} on {backend}", flush=True)
        import_keras()
        from keras_seg import models

        return models.load_model(preset)
    except (OSError, ValueError, ImportError) as error:
        tell(f"--preset {preset}: {error}")
        return None


def run_jobs(jobs, function, done=None):
    """Calls `function` for each job. Where it fails, the error is reported in one line.

    Args:
        jobs: List of `ImageJob`.
        function: Called with a job.
        done: Called with the job and what `function` returned, if that went well. Its
            errors are not those of an image, and end the loop.

    Returns:
        The number of jobs that failed.
    """
    from tqdm import tqdm

    failed = 0
    for job in tqdm(jobs, unit="image", disable=None):
        try:
            result = function(job)
        except Exception as error:  # none may end the batch
            failed += 1
            reason = str(error)
            if not isinstance(error, (OSError, ValueError)):
                reason = f"{type(error).__name__}: {error}"
            tell(reason if str(job.image) in reason else f"{job.image}: {reason}")
            continue
        if done is not None:
            done(job, result)
    return failed


def make_folder(path):
    """Makes the folder for results.

    Returns:
        `None`, or one line that says why no files can be written there.
    """
    import tempfile

    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None


def save_pictures(pictures):
    """Writes all of some pictures, or none where one cannot be written.

    Args:
        pictures: List of `(picture, path, options)`: a Pillow image, the path of the
            file and a dictionary of arguments of `Image.save`.
    """
    drafts = []
    try:
        for picture, path, options in pictures:
            form = "JPEG" if path.suffix == ".jpg" else "PNG"
            buffer = io.BytesIO()
            picture.save(buffer, form, **options)
            drafts.append(path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}"))
            # Not by Pillow, which does not say that a disk is full.
            drafts[-1].write_bytes(buffer.getbuffer())
        for draft, (_, path, _) in zip(drafts, pictures, strict=True):
            os.replace(draft, path)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def tell(line):
    """Writes one line to stderr and leaves the progress bar intact."""
    from tqdm import tqdm

    text = printable(" ".join(str(line).split()))
    tqdm.write(f"keras-seg: {text}", file=sys.stderr)
