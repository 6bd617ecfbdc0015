"""Write a file so that its name never holds an unfinished one."""

import contextlib
import errno
import os
import shutil

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def replace_file(path, size=0):
    """Gives a path to write to, and puts that file in the place of another.

    Where writing fails, the unfinished file is removed and the one before stays.

    Args:
        path: `pathlib.Path` of the file.
        size: Integer, about how many bytes will be written. HDF5 may crash the process
            on a full disk, so that room is looked for first.

    Yields:
        `pathlib.Path` of the unfinished file, in the same folder.

    Raises:
        OSError: If the file cannot be written, for example since the disk is full.

    Example:

    ```python
    import pathlib
    import tempfile

    from keras_seg.training.replace_file import replace_file

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "notes.txt"
        with replace_file(path) as unfinished:
            unfinished.write_text("done")
        print(path.read_text())  # done
    ```
    """
    unfinished = path.with_name(f"unfinished-{path.name}")
    try:
        free = shutil.disk_usage(path.parent).free
        if free < size:
            raise OSError(
                errno.ENOSPC, f"{free / 1e6:.0f} MB are free, {size / 1e6:.0f} needed"
            )
        yield unfinished
        with open(unfinished, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except (OSError, RuntimeError) as error:  # HDF5 raises both
        # HDF5 writes once more when its file is closed, and crashes if it cannot.
        with contextlib.suppress(OSError):
            os.truncate(unfinished, 0)
        raise OSError(getattr(error, "errno", None), _explain(path, error)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _explain(path, error):
    full = getattr(error, "errno", None) in FULL or any(
        text in str(error) for text in ("No space left", "quota exceeded")
    )
    cause = "the disk is full" if full else "writing failed"
    advice = "Free some space" if full else "Mend the cause"
    kept = "the one before is unchanged" if path.exists() else "it was not there before"
    return (
        f"{path} could not be written, since {cause} ({error}); {kept}, and the "
        f"unfinished file was removed. {advice}, then resume the run."
    )
