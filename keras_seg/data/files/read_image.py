"""Read a photo from disk, whatever it is, as RGB bytes."""

import os

import numpy as np
from PIL import Image, ImageOps

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MAX_PIXELS = 100_000_000
EXIF_ORIENTATION = 0x0112
GREY_16_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def open_image(path, formats=IMAGE_FORMATS, max_pixels=MAX_PIXELS):
    """Open an image file and check its format and size; decode nothing yet.

    Args:
        path: path of the file.
        formats: tuple of the Pillow format names that are let in.
        max_pixels: integer. Larger images are refused.

    Returns:
        An opened, not yet decoded `PIL.Image.Image`.

    Raises:
        ValueError: if the file is missing, empty, not an image of one of the
            formats, or larger than `max_pixels`.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise ValueError(f"No such image file: '{path}'. Check the path.")
    if os.path.isdir(path):
        raise ValueError(f"'{path}' is a folder, expected an image file.")
    if os.path.getsize(path) == 0:
        raise ValueError(f"'{path}' is an empty file. Copy or export it again.")
    try:
        image = Image.open(path, formats=formats)
    except Image.DecompressionBombError as error:
        raise ValueError(_too_large(path, str(error), max_pixels)) from error
    except Image.UnidentifiedImageError as error:
        with open(path, "rb") as file:
            start = file.read(12)
        raise ValueError(
            f"'{path}' is not an image in one of the formats "
            f"{', '.join(formats)}: it starts with the bytes {start!r}. The name "
            "of a file does not make it an image; export it again as JPEG or PNG."
        ) from error
    except Exception as error:  # decoders raise many types on broken files
        raise ValueError(_unreadable(path, error)) from error
    width, height = image.size
    if width * height > max_pixels:
        image.close()
        found = f"{width} x {height} = {width * height:,} pixels"
        raise ValueError(_too_large(path, found, max_pixels))
    return image


def read_image(path, max_pixels=MAX_PIXELS):
    """Read an image file as an RGB array.

    JPEG, PNG, WEBP, BMP, TIFF and GIF (the first frame) are read. The EXIF
    orientation of cameras is applied. Grey, palette and CMYK images become
    RGB, 16-bit grey is scaled to 8 bits, and transparent pixels are shown on
    white, as a viewer shows them.

    Args:
        path: path of the file.
        max_pixels: integer. Larger images are refused before they are decoded.
            Defaults to 100 million. Above 179 million Pillow has a limit of its
            own, `PIL.Image.MAX_IMAGE_PIXELS`.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: if the file is missing, not an image, broken, truncated or
            too large. The message names the file and the way out.

    Example:

    ```python
    import os
    import tempfile

    from PIL import Image

    from keras_seg.data import read_image

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "grey.png")
        Image.new("L", (6, 4), 128).save(path)
        image = read_image(path)
    print(image.shape, image.dtype)  # (4, 6, 3) uint8
    ```
    """
    with open_image(path, max_pixels=max_pixels) as image:
        try:
            image.load()
            image = ImageOps.exif_transpose(image)
            return to_rgb(image)
        except Exception as error:  # decoders raise many types on broken files
            raise ValueError(_unreadable(path, error)) from error


def image_size(path, max_pixels=MAX_PIXELS):
    """Height and width that `read_image` would give, without decoding.

    Args:
        path: path of the file.
        max_pixels: integer. Larger images are refused.

    Returns:
        A tuple `(height, width)`.

    Raises:
        ValueError: as `read_image` does.
    """
    with open_image(path, max_pixels=max_pixels) as image:
        width, height = image.size
        try:
            turned = image.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
        except Exception as error:  # decoders raise many types on broken files
            raise ValueError(_unreadable(path, error)) from error
    return (width, height) if turned else (height, width)


def to_rgb(image):
    """Convert a Pillow image to a uint8 RGB array.

    Args:
        image: `PIL.Image.Image` of any mode but floating point.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: if the values cannot be brought to 8 bits.
    """
    if image.mode in GREY_16_MODES:
        grey = np.asarray(image).astype("int64")
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError(
                f"grey values run from {grey.min()} to {grey.max()}, expected at "
                "most 16 bits; scale them to 0..255"
            )
        grey = ((grey * 255 + 32767) // 65535).astype("uint8")
        return np.repeat(grey[..., None], 3, axis=-1)  # (H, W, 3)
    if image.mode == "F":
        raise ValueError("it holds floating point values; scale them to 0..255")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))  # (H, W, 3)


def _unreadable(path, error):
    return (
        f"'{os.fspath(path)}' cannot be decoded ({type(error).__name__}: {error}). "
        "The file is broken or incomplete; copy or export it again."
    )


def _too_large(path, found, max_pixels):
    return (
        f"'{path}' is too large: {found}; at most {max_pixels:,} pixels are read. "
        "Shrink the image, or pass a larger `max_pixels` if you trust the file "
        "(and raise `PIL.Image.MAX_IMAGE_PIXELS` where Pillow refuses it)."
    )
