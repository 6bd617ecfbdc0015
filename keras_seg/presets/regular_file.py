"""Opens files of unknown origin: no devices, no pipes, no links to elsewhere."""

import os
import stat


def check_regular(path, most):
    """Raises unless a path is a regular file of at most `most` bytes.

    Nothing is opened, so a pipe does not block and a device is not touched.

    Args:
        path: Path.
        most: Integer. Greatest size in bytes.

    Returns:
        Integer. The size in bytes.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is a device, a pipe, a folder or a socket, or too large.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(
            f"'{path}' is not a regular file but a folder, device, pipe or socket. "
            "Pass a copy of the file itself."
        )
    if status.st_size > most:
        raise ValueError(
            f"'{path}' has {status.st_size:,} bytes, expected at most {most:,}. It is "
            "not a file of this kind, or not one of a model of keras_seg."
        )
    return status.st_size


def check_inside(folder, path):
    """Raises if a file of a preset is a symbolic link to a place outside its folder.

    The cache of Hugging Face consists of links from `snapshots/REVISION/` to `blobs/`
    beside it; those are allowed.

    Args:
        folder: Path of the preset.
        path: Path of a file in it.

    Raises:
        ValueError: If the link leads elsewhere, or in a circle.
    """
    try:
        target, home = path.resolve(strict=True), folder.resolve(strict=True)
    except FileNotFoundError:
        return  # a missing file is reported where it is read
    except (OSError, RuntimeError) as error:  # a circle of links
        raise ValueError(
            f"'{path}' is a symbolic link that cannot be followed ({error}). Put the "
            "file itself in its place."
        ) from error
    allowed = [home]
    if home.parent.name == "snapshots":
        allowed.append(home.parents[1] / "blobs")
    if not any(target.is_relative_to(place) for place in allowed):
        raise ValueError(
            f"'{path}' is a symbolic link to '{target}', outside the preset. Put the "
            "file itself in its place."
        )
