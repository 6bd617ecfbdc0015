"""Weight files that are checked against the hashes of what was written."""

import hashlib
import json

from keras_seg.training.replace_file import replace_file
from keras_seg.training.run_error import RunError

HASHES = "hashes.json"


class WeightFiles:
    """Writes files of weights into a folder, and tells later whether they are intact.

    `hashes.json` holds, for each file, the SHA-256 of the content that it may have:
    the new one and the one before, since the process may be killed between the
    writing of the hash and that of the file.

    Args:
        folder: `pathlib.Path`.

    Example:

    ```python
    import pathlib
    import tempfile

    from keras_seg.training.weight_files import WeightFiles

    with tempfile.TemporaryDirectory() as folder:
        files = WeightFiles(pathlib.Path(folder))
        files.write("a.h5", lambda path: path.write_bytes(b"weights"))
        print(files.state("a.h5"))  # intact
        (files.folder / "a.h5").write_bytes(b"weigh")
        print(files.state("a.h5"))  # damaged
    ```
    """

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, write, size=0, keep=None):
        """Writes a file in place of the one of that name.

        Args:
            name: String, the path in the folder.
            write: Callable that is given the path to write to.
            size: Integer, about how many bytes it writes.
            keep: String, the name under which the present file is kept.
        """
        path = self.folder / name
        with replace_file(path, size) as unfinished:
            write(unfinished)
            hashes = self._hashes()
            new = _hash(unfinished)
            if keep is not None and path.exists():
                hashes[keep] = [*hashes.get(keep, []), *hashes.get(name, [])][-3:]
            hashes[name] = [*hashes.get(name, []), new][-2:]
            with replace_file(self.folder / HASHES) as file:
                file.write_text(json.dumps(hashes, indent=2) + "\n")
            if keep is not None and path.exists():
                path.replace(self.folder / keep)

    def state(self, name):
        """`"missing"`, `"intact"`, `"damaged"`, or `"unknown"` without a hash."""
        path = self.folder / name
        if not path.exists():
            return "missing"
        known = self._hashes().get(name)
        if not known:
            return "unknown"
        return "intact" if _hash(path) in known else "damaged"

    def require(self, name):
        """The path of a file.

        Raises:
            RunError: If it is missing or damaged.
        """
        state = self.state(name)
        if state in ("missing", "damaged"):
            raise RunError(
                f"{self.folder / name} is {state}: its content is not what the run "
                "wrote. Restore it from a copy, or begin a new run in another folder, "
                "with `--initial-weights` another weights file of this run."
            )
        return self.folder / name

    def _hashes(self):
        path = self.folder / HASHES
        if not path.exists():
            return {}
        try:
            hashes = json.loads(path.read_text())
            return {name: list(known) for name, known in hashes.items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise RunError(
                f"{path} is damaged ({error}), so that the weights cannot be checked. "
                "Delete it to use them unchecked."
            ) from error


def _hash(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
