"""Finds images from command line arguments and plans the output files."""

import dataclasses
import glob
import os
import unicodedata
from pathlib import Path

# Those of keras_seg_runtime, which imports NumPy and Pillow: `--help` would wait.
IMAGE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jfif",
    ".jpe",
    ".png",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".gif",
)
OUR_ENDINGS = ("_overlay", "_labels", "_regions")


@dataclasses.dataclass(frozen=True)
class ImageJob:
    """One image and the files to write for it, or `None`."""

    image: Path
    overlay: Path | None = None
    labels: Path | None = None


def find_images(words):
    """Finds the image files that are given as files, folders and glob patterns.

    Args:
        words: List of strings.

    Returns:
        `(paths, problems)`: the files in order, each once, and one line for each word
        that matches nothing.

    Example:

    ```python
    from keras_seg_cli.image_jobs import find_images

    paths, problems = find_images(["nowhere.jpg"])
    print(problems)  # ['nowhere.jpg: no such file or folder']
    ```
    """
    found, problems = {}, []
    for word in words:
        try:
            paths, problem = _find(word)
        except OSError as error:
            paths, problem = [], f"{word}: {error.strerror}"
        if problem:
            problems.append(problem)
        for path in paths:
            # A file that is found through several links of folders counts once.
            folder = os.path.realpath(path.parent)
            found.setdefault(os.path.join(folder, path.name), path)
    return list(found.values()), problems


def _find(word):
    path = Path(word)
    if path.is_dir():
        paths = [entry for entry in sorted(path.iterdir()) if _is_image(entry)]
        return paths, None if paths else f"{word}: no images in this folder"
    if os.path.lexists(path):
        if path.exists() and not path.is_file():
            return [], f"{word}: not a file but a device or a pipe"
        return [path], None
    if glob.has_magic(word):
        matches = sorted(_matches(_pattern(word)))
        paths = [entry for entry in matches if _is_image(entry)]
        return paths, None if paths else f"{word}: no image matches this pattern"
    return [], f"{word}: no such file or folder"


def _pattern(word):
    """A pattern in which the names of existing folders are escaped."""
    folder, *rest = Path(word).parts
    while rest and os.path.isdir(os.path.join(folder, rest[0])):
        folder = os.path.join(folder, rest.pop(0))
    if not os.path.isdir(folder):
        return word
    return os.path.join(glob.escape(folder), *rest)


def _matches(pattern):
    """The paths that match a glob pattern; each folder is searched once."""
    parts = Path(pattern).parts
    if "**" not in parts:
        return map(Path, glob.glob(pattern))
    first = parts.index("**")
    roots = glob.glob(os.path.join(*parts[:first])) if first else [os.curdir]
    rest = os.path.join(*parts[first + 1 :], "") if parts[first + 1 :] else "*"
    folders = {
        os.path.realpath(folder): folder
        for root in roots
        for folder in _folders_below(root)
    }
    return {
        Path(found)
        for folder in folders.values()
        for found in _matches(os.path.join(glob.escape(folder), rest.rstrip(os.sep)))
    }


def _folders_below(root):
    """A folder and its subfolders, without hidden ones, also if links form a loop."""
    seen = set()
    for folder, names, _ in os.walk(root, followlinks=True):
        place = os.path.realpath(folder)
        names[:] = sorted(n for n in names if not n.startswith("."))
        if place in seen:
            names.clear()
            continue
        seen.add(place)
        yield folder


def _is_image(path):
    return (
        path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(".")
        and not path.stem.endswith(OUR_ENDINGS)
        and path.is_file()
    )


def plan_jobs(
    paths,
    output,
    overlay_format="png",
    overwrite=False,
    endings=("_overlay", "_labels"),
    labels_format="png",
):
    """Plans output files for each image, without collisions.

    Args:
        paths: List of paths of images.
        output: Folder for the results, or `None` to write no files.
        overlay_format: Suffix of the overlay, such as `"png"` or `"jpg"`.
        overwrite: Boolean. Whether existing outputs may be replaced. An image of the
            batch itself is never replaced.
        endings: Pair of endings of the names of overlay and label map. `None` for the
            second writes no label map.
        labels_format: Suffix of the label map.

    Returns:
        `(jobs, problems, notes)`: list of `ImageJob`, one line for each image refused,
        one line for each image that got another name.

    Example:

    ```python
    from pathlib import Path
    from keras_seg_cli.image_jobs import plan_jobs

    jobs, _, notes = plan_jobs([Path("a/x.jpg"), Path("b/x.jpg")], "segmented")
    print(jobs[1].labels.name)  # x-2_labels.png
    ```
    """
    if output is None:
        return [ImageJob(path) for path in paths], [], []
    output = Path(output)
    inputs = {os.path.realpath(path) for path in paths}
    stems = {path: path.stem.replace("camera:", "camera-") for path in paths}
    reserved = {_key(stem) for stem in stems.values()}
    owners, jobs, problems, notes = {}, [], [], []
    for path in paths:
        name, number = stems[path], 1
        while _key(name) in owners or (number > 1 and _key(name) in reserved):
            number += 1
            name = f"{stems[path]}-{number}"
        owners[_key(name)] = path
        if number > 1:
            taken_by = owners[_key(stems[path])]
            notes.append(
                f"{path}: named {name}, as {taken_by} has the name {stems[path]}"
            )
        job = ImageJob(
            image=path,
            overlay=output / f"{name}{endings[0]}.{overlay_format}",
            labels=output / f"{name}{endings[1]}.{labels_format}"
            if endings[1]
            else None,
        )
        problem = _conflict(job, inputs, overwrite)
        if problem:
            problems.append(f"{path}: {problem}")
        else:
            jobs.append(job)
    return jobs, problems, notes


def _key(name):
    """A key that is equal for names that are the same in some file system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _conflict(job, inputs, overwrite):
    for target in filter(None, (job.overlay, job.labels)):
        if os.path.realpath(target) in inputs:
            return f"would replace {target}, an image of this batch"
        if os.path.lexists(target) and not overwrite:
            return f"{target} exists, pass --overwrite to replace it"
    return None
