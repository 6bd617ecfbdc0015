"""Functions shared by the commands that process many images.

Slow modules are imported only where they are used, so that `--help` is fast.
"""

import contextlib
import os
import sys

from keras_seg_cli.choose_backend import explain_backend, import_keras
from keras_seg_cli.terminal import printable


def load_preset(preset):
    """Loads the model of a preset, or reports an error and returns `None`."""
    try:
        backend = explain_backend()
        print(f"Loading {printable(preset)} on {backend}", flush=True)
        import_keras()
        from keras_seg import models

        if os.path.splitext(preset)[1] == ".keras":
            return load_file(preset)
        return models.load_model(preset)
    except (OSError, ValueError, ImportError) as error:
        tell(f"--preset {preset}: {error}")
        return None


def load_file(path):
    """Loads the model of a `.keras` file.

    Raises:
        ValueError: If the file holds another model than one of keras_seg.
    """
    import keras

    from keras_seg import models

    model = keras.saving.load_model(path, compile=False)
    if not isinstance(model, models.Segmenter):
        raise ValueError(
            f"The file contains a {type(model).__name__}, expected a model of "
            "keras_seg."
        )
    return model


def load_exported(path):
    """Loads an exported file without Keras, or reports an error: returns `None`."""
    try:
        import keras_seg_runtime

        return keras_seg_runtime.load(path, cache=_cache_of_openvino(path))
    except Exception as error:  # each runtime raises its own types on damaged files
        tell(f"--model {path}: {error}")
        return None


def _cache_of_openvino(path):
    """The folder for networks that OpenVINO compiles, or `None` for other formats."""
    if os.path.splitext(path)[1] != ".xml":
        return None
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(home, "keras_seg", "openvino")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def run_jobs(jobs, function, done=None, unit="image"):
    """Calls `function` for each job and reports each error in one line.

    Args:
        jobs: List of `ImageJob`.
        function: Function that is called with a job.
        done: Function or `None`. Called with the job and the result of `function` if it
            succeeded. Its errors end the loop.
        unit: String. What a job is called in the progress bar.

    Returns:
        The number of jobs that failed.
    """
    from tqdm import tqdm

    failed = 0
    for job in tqdm(jobs, unit=unit, disable=None):
        try:
            result = function(job)
        except BrokenPipeError:
            raise  # the reader of stdout has closed it
        except Exception as error:  # no error may end the batch
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
    """Creates the folder for results.

    Returns:
        `None`, or a message of one line if no files can be written there.
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
    """Writes several pictures, or none of them if one cannot be written.

    Args:
        pictures: List of `(picture, path, options)`: a Pillow image, the path of the
            file and a dictionary of arguments of `Image.save`.
    """
    from keras_seg_runtime.pictures.save_picture import save_picture
    from keras_seg_runtime.unfinished_file import unfinished_file

    with contextlib.ExitStack() as stack:  # the files take their names at its end
        for picture, path, options in pictures:
            draft = stack.enter_context(unfinished_file(path))
            save_picture(picture, draft, **options)


def tell(line):
    """Writes one line to stderr and leaves the progress bar intact."""
    from tqdm import tqdm

    text = printable(" ".join(str(line).split()))
    tqdm.write(f"keras-seg: {text}", file=sys.stderr)
