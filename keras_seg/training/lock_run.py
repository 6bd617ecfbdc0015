"""One process at a time in the folder of a run."""

import contextlib

import filelock

from keras_seg.training.run_error import RunError


@contextlib.contextmanager
def lock_run(folder):
    """Keeps other processes from the folder of a run.

    The operating system frees the lock when the process ends, also when it is killed.

    Args:
        folder: `pathlib.Path`; it is made where it is missing.

    Raises:
        RunError: If another process trains in the folder.

    Example:

    ```python
    import pathlib
    import tempfile

    from keras_seg.training.lock_run import lock_run

    with tempfile.TemporaryDirectory() as folder:
        with lock_run(pathlib.Path(folder)):
            print("no other run begins here")
    ```
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "run.lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise RunError(
            f"Another process trains in {folder}. Wait until it has ended, or name "
            "another --output."
        ) from error
    try:
        yield
    finally:
        lock.release()
