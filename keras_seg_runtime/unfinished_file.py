"""A file that takes its name only once it is complete."""

import contextlib
import os
from pathlib import Path


@contextlib.contextmanager
def unfinished_file(path):
    """Gives a path to write to; the file there replaces another one on exit.

    If there is an error, the unfinished file is removed and the other one is kept.

    Args:
        path: Path of the file. Its folder is created.

    Yields:
        `pathlib.Path` of the unfinished file, hidden in the same folder, with the same
        suffix.

    Raises:
        OSError: If the folder cannot be created or the file not be replaced.

    Example:

    ```python
    import tempfile
    from pathlib import Path

    from keras_seg_runtime.unfinished_file import unfinished_file

    with tempfile.TemporaryDirectory() as folder:
        with unfinished_file(Path(folder) / "notes.txt") as draft:
            draft.write_text("done")
        print(Path(folder, "notes.txt").read_text())  # done
    ```
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
