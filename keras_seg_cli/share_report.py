"""Output of the shares of classes to stdout or to a file."""

import contextlib
import os

from keras_seg_cli.share_writers import WRITERS


def conflict_of_report(path, taken, overwrite=False):
    """Checks that the report can be written to a file.

    Args:
        path: Path of the file, or `None` for stdout.
        taken: Paths that the report must not replace: the images and their results.
        overwrite: Boolean. Whether another file may be replaced.

    Returns:
        A message of one line, or `None` if the report can be written.

    Example:

    ```python
    from keras_seg_cli.share_report import conflict_of_report

    print(conflict_of_report("a.jpg", ["./a.jpg"], overwrite=True))
    ```
    """
    if path is None:
        return None
    if os.path.realpath(path) in {os.path.realpath(other) for other in taken}:
        return f"{path} is an image of this batch, or one of its results"
    if os.path.isdir(path):
        return f"{path} is a folder"
    if os.path.lexists(path) and not overwrite:
        return f"{path} exists, pass --overwrite to replace it"
    return None


@contextlib.contextmanager
def open_report(form, path, stdout, names):
    """Context manager with a writer of the shares; it completes the text on exit.

    Args:
        form: `"table"`, `"csv"`, `"json"`, or `None` for no report.
        path: Path of the file, replaced if it exists, or `None` for stdout.
        stdout: The stream to use where `path` is `None`.
        names: List of strings, see `keras_seg_cli.class_shares.share_names`.

    Yields:
        A writer, or `None`.

    Raises:
        OSError: If the file cannot be written.

    Example:

    ```python
    import sys
    from keras_seg_cli.share_report import open_report

    with open_report("csv", None, sys.stdout, ["sky", "uncertain"]) as report:
        report.write("a.jpg", 640, 480, {"sky": 1.0})
    ```
    """
    if form is None:
        yield None
        return
    with contextlib.ExitStack() as stack:
        if path is not None:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            stream = stack.enter_context(
                open(path, "w", encoding="utf-8", errors="backslashreplace", newline="")
            )
        else:
            stream = stdout
            if hasattr(stream, "reconfigure"):  # no file name may end the batch
                stream.reconfigure(errors="backslashreplace")
        writer = WRITERS[form](stream, names)
        stack.callback(writer.close)
        yield writer
