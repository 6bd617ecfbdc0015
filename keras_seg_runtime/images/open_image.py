"""Open image files: which are let in, and what is wrong with the others."""

import contextlib
import os

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

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
IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MAX_IMAGE_PIXELS = 100_000_000
TIFF_SAMPLES = {1: "unsigned integers", 2: "integers", 3: "floating point values"}


@contextlib.contextmanager
def open_image(path, formats=IMAGE_FORMATS, max_pixels=MAX_IMAGE_PIXELS):
    """Opens an image file and checks its format and size. It decodes nothing yet.

    Args:
        path: Path of the file.
        formats: Tuple of the Pillow format names that are let in.
        max_pixels: Integer. Larger images are refused.

    Yields:
        A `PIL.Image.Image`, opened and not yet decoded.

    Raises:
        ValueError: If the file is missing, empty, not an image of one of the
            formats, or larger than `max_pixels`.

    Example:

    ```python
    from keras_seg_runtime.images.open_image import open_image

    try:
        with open_image("nowhere.png") as image:
            print(image.size)
    except ValueError as error:
        print(error)  # No such image file: 'nowhere.png'. Check the path.
    ```
    """
    path = os.fsdecode(path)
    _require_file(path)
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise ValueError(
            f"{path!r} cannot be opened: {error.strerror}. Check the permissions and "
            "the disk."
        ) from error
    with file:
        # Pillow gets the open file and not its name, see `upright`.
        image = _identified(path, file, formats, max_pixels)
        with image:
            width, height = image.size
            if width * height > max_pixels:
                found = f"{width} x {height} = {width * height:,} pixels"
                raise ValueError(_too_large(path, found, max_pixels))
            yield image


def unreadable(path, error):
    """Returns the message for a file that cannot be decoded.

    Args:
        path: Path of the file.
        error: The exception of the decoder.

    Returns:
        String.
    """
    return (
        f"{os.fsdecode(path)!r} cannot be decoded ({type(error).__name__}: {error}). "
        "The file is broken or incomplete; copy or export it again."
    )


def _require_file(path):
    if os.path.islink(path) and not os.path.exists(path):
        raise ValueError(
            f"{path!r} is a symbolic link that leads to no file. Repair or remove it."
        )
    if not os.path.exists(path):
        raise ValueError(f"No such image file: {path!r}. Check the path.")
    if os.path.isdir(path):
        raise ValueError(f"{path!r} is a folder, expected an image file.")
    if not os.path.isfile(path):
        raise ValueError(f"{path!r} is a device or a pipe, expected an image file.")
    if os.path.getsize(path) == 0:
        raise ValueError(f"{path!r} is an empty file. Copy or export it again.")


def _identified(path, file, formats, max_pixels):
    try:
        return Image.open(file, formats=formats)
    except Image.DecompressionBombError as error:
        raise ValueError(_too_large(path, str(error), max_pixels)) from error
    except Image.UnidentifiedImageError as error:
        file.seek(0)
        start = file.read(12)
        if start[:4] in (b"II*\0", b"MM\0*"):
            raise ValueError(_unknown_tiff(path, file)) from error
        raise ValueError(
            f"{path!r} is not an image in one of the formats "
            f"{', '.join(formats)}: it starts with the bytes {start!r}. The name "
            "of a file does not make it an image; export it again as JPEG or PNG."
        ) from error
    except Exception as error:  # decoders raise many types on broken files
        raise ValueError(unreadable(path, error)) from error


def _unknown_tiff(path, file):
    """Says what a TIFF file holds that Pillow has no mode for."""
    try:
        file.seek(0)
        tags = ImageFileDirectory_v2(file.read(8))
        file.seek(tags.next)
        tags.load(file)
        bits = tags.get(258, (1,))  # BitsPerSample
        kind = TIFF_SAMPLES.get(tags.get(339, (1,))[0], "values of an unknown kind")
        bands = tags.get(277, 1)  # SamplesPerPixel
    except Exception as error:  # broken files raise many types
        return unreadable(path, error)
    return (
        f"{path!r} is a TIFF file of a kind that is not read: {bands} bands (channels) "
        f"of {bits[0]}-bit {kind}. Convert it to bands of 8 bits, with values in "
        "0..255 if it is a photo."
    )


def _too_large(path, found, max_pixels):
    return (
        f"{path!r} is too large: {found}; at most {max_pixels:,} pixels are read. "
        "Shrink the image, or pass a larger `max_pixels` if you trust the file "
        "(and raise `PIL.Image.MAX_IMAGE_PIXELS` where Pillow refuses it)."
    )
