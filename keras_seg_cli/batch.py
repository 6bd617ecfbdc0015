"""What commands over many images share: preset, loop, files and messages."""

import os
import sys

from tqdm import tqdm

from keras_seg_cli.choose_backend import choose_backend, import_keras


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
    """Calls `function` for each job; one that fails gets a message and ends nothing.

    Args:
        jobs: List of `ImageJob`.
        function: Called with a job.
        done: Called with the job and what `function` returned, if that went well. Its
            errors are not those of an image, and end the loop.

    Returns:
        The number of jobs that failed.
    """
    failed = 0
    for job in tqdm(jobs, unit="image", disable=None):
        try:
            result = function(job)
        except Exception as error:  # whatever it is must not end the batch
            failed += 1
            reason = str(error)
            if not isinstance(error, (OSError, ValueError)):
                reason = f"{type(error).__name__}: {error}"
            tell(reason if str(job.image) in reason else f"{job.image}: {reason}")
            continue
        if done is not None:
            done(job, result)
    return failed


def save_picture(picture, path, **options):
    """Writes beside the target first, so that no half-written file takes its name."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        picture.save(draft, **options)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def tell(line):
    """One line on stderr that leaves the progress bar whole."""
    text = " ".join(printable(line).split())
    tqdm.write(f"keras-seg: {text}", file=sys.stderr)


def printable(text):
    """Text that stdout takes whatever its file names hold."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")
