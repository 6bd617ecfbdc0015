"""List the image files below a folder, and lists of paths."""

import os
import unicodedata

from keras_seg_runtime.images.open_image import IMAGE_SUFFIXES


def list_images(folder, without=()):
    """Lists the image files of a folder and of the folders below it.

    Hidden files and folders are left out. Links to folders are followed, each folder
    once.

    Args:
        folder: Path of a folder.
        without: Paths of folders to leave out.

    Returns:
        A sorted list of `(name, path)`. The name is the path from `folder` on without
        its suffix, with `/` between folders and in the composed form of Unicode (NFC),
        so that names that look the same are the same.

    Raises:
        ValueError: If there is no such folder.
        OSError: If a folder cannot be read.

    Example:

    ```python
    import os
    import tempfile

    from keras_seg.data.files.list_images import list_images

    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "a"))
        open(os.path.join(folder, "a", "1.JPG"), "w").close()
        print([name for name, path in list_images(folder)])  # ['a/1']
    ```
    """
    folder = os.fsdecode(folder)
    if os.path.isfile(folder):
        raise ValueError(f"{folder!r} is a file, expected a folder or a list of paths.")
    if not os.path.isdir(folder):
        hint = ""
        if any(sign in folder for sign in "*?"):
            hint = " For a pattern pass the list that glob.glob returns."
        raise ValueError(f"No such folder: {folder!r}. Check the path.{hint}")
    seen = {os.path.realpath(os.fsdecode(path)) for path in without}
    found = []
    for place, folders, files in os.walk(folder, onerror=_fail, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [f for f in folders if not f.startswith((".", "__MACOSX"))]
        for file in files:
            if not file.startswith(".") and is_image_name(file):
                path = os.path.join(place, file)
                found.append((stem_of(os.path.relpath(path, folder)), path))
    return sorted(found)


def is_image_name(path):
    """Returns whether a path ends like that of an image file."""
    return os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES


def stem_of(path):
    """Returns a relative path as a name, see `list_images`."""
    stem = os.path.splitext(path)[0].replace(os.sep, "/")
    return unicodedata.normalize("NFC", stem)


def as_paths(part):
    """Returns a list of paths as strings.

    Args:
        part: Any iterable of paths: a list, a tuple, a generator, an array.

    Returns:
        List of strings, or `None` if `part` holds other things or is one path.
    """
    if isinstance(part, (str, bytes, os.PathLike, set, frozenset, dict)):
        return None
    if not hasattr(part, "__iter__") or getattr(part, "ndim", 1) != 1:
        return None
    paths = list(part)
    if not all(isinstance(path, (str, bytes, os.PathLike)) for path in paths):
        return None
    return [os.fsdecode(path) for path in paths]


def name_some(paths, limit=5):
    """Returns a few file names of a list, for messages.

    Args:
        paths: List of paths.
        limit: Integer. How many names to give.

    Returns:
        String.
    """
    text = ", ".join(printable(os.path.basename(path)) for path in paths[:limit])
    if len(paths) > limit:
        text += f" and {len(paths) - limit} more"
    return text


def printable(text):
    """Returns text without characters that a terminal would act on.

    Args:
        text: Anything that has a string. Line ends are escaped as well.

    Returns:
        String.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)
    )


def _fail(error):
    raise error
