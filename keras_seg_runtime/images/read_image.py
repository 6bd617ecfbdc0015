"""Read a photo from disk, whatever its format, as RGB bytes."""

import os
import warnings

import numpy as np
from PIL import Image

from keras_seg_runtime.images.open_image import MAX_IMAGE_PIXELS, open_image, unreadable
from keras_seg_runtime.images.orientation import upright, upright_size

GREY_16_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
# A share of pixels that are neither opaque nor transparent, above which the fourth
# band of a TIFF file is taken for a measurement such as near infrared.
MAX_TRANSLUCENT = 0.5


def read_image(path, max_pixels=MAX_IMAGE_PIXELS) -> np.ndarray:
    """Reads an image file as an RGB array.

    JPEG, PNG, WEBP, BMP, TIFF and GIF (the first frame) are read. The EXIF
    orientation of cameras is applied. Grey, palette and CMYK images become
    RGB, 16-bit grey is scaled to 8 bits, and transparent pixels are shown on
    white, as a viewer shows them.

    Args:
        path: Path of the file.
        max_pixels: Integer. Larger images are refused before they are decoded.
            Defaults to 100 million. Above 179 million Pillow has a limit of its
            own, `PIL.Image.MAX_IMAGE_PIXELS`.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: If the file is missing, not an image, broken, truncated, too
            large, or holds values that cannot be brought to 8 bits. The message
            names the file and the fix.

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
    return decode_image(path, max_pixels)[0]


def decode_image(path, max_pixels=MAX_IMAGE_PIXELS):
    """Reads an image file and the EXIF orientation that was applied.

    Args:
        path: Path of the file.
        max_pixels: Integer. Larger images are refused.

    Returns:
        A tuple of the array that `read_image` returns and the orientation, 1 to 8.

    Raises:
        ValueError: As `read_image` does.
    """
    with open_image(path, max_pixels=max_pixels) as image:
        file_format = image.format
        try:
            image, orientation = upright(image)
        except Exception as error:  # decoders raise many types on broken files
            raise ValueError(unreadable(path, error)) from error
        rgb = to_rgb(image, repr(os.fsdecode(path)), bands=file_format == "TIFF")
        return rgb, orientation


def image_size(path, max_pixels=MAX_IMAGE_PIXELS):
    """Returns the height and width that `read_image` would give, without decoding.

    Args:
        path: Path of the file.
        max_pixels: Integer. Larger images are refused.

    Returns:
        A tuple `(height, width)`.

    Raises:
        ValueError: As `read_image` does.
    """
    with open_image(path, max_pixels=max_pixels) as image:
        try:
            return upright_size(image)
        except Exception as error:  # decoders raise many types on broken files
            raise ValueError(unreadable(path, error)) from error


def to_rgb(image, name="the image", bands=False):
    """Converts a Pillow image to a uint8 RGB array.

    Args:
        image: `PIL.Image.Image` of any mode but floating point.
        name: String for messages.
        bands: Boolean. Whether a fourth band may be a measurement in place of
            transparency, as in TIFF files of satellites.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: If the values cannot be brought to 8 bits.
    """
    if image.mode in GREY_16_MODES:
        grey = _to_8_bits(np.asarray(image).astype("int64"), image.mode, name)
        return np.repeat(grey[..., None], 3, axis=-1)  # (H, W, 3)
    if image.mode == "F":
        raise ValueError(
            f"{name} holds floating point values, expected integers. Scale them to "
            "0..255 and save the image as 8-bit PNG."
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"))  # (H, W)
        if not _is_measurement(alpha, name, bands):
            white = Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))  # (H, W, 3)


def _to_8_bits(grey, mode, name):
    low, high = grey.min(), grey.max()
    if low < 0 or high > 65535:
        raise ValueError(
            f"{name} holds grey values from {low} to {high}, expected 0 to 65535 (16 "
            "bits). Scale them to 0..255 and save the image as 8-bit PNG."
        )
    if high <= 255:  # as 16 bits the image would be black
        if high > 0 and mode != "I":
            warnings.warn(
                f"{name} has 16 bits a pixel but no value above {high}: the values are "
                "taken for 0..255. Save it with 8 bits a pixel.",
                stacklevel=4,
            )
        return grey.astype("uint8")
    if high < 4096:
        warnings.warn(
            f"{name} has 16 bits a pixel but no value above {high}, and looks nearly "
            "black. If it holds 12 bits, scale it to 0..65535 or 0..255 first.",
            stacklevel=4,
        )
    return ((grey * 255 + 32767) // 65535).astype("uint8")


def _is_measurement(alpha, name, bands):
    """Whether a fourth channel is no transparency, so that it must not hide pixels."""
    if not alpha.any():
        found = "hides every pixel"
    elif bands and ((alpha > 0) & (alpha < 255)).mean() > MAX_TRANSLUCENT:
        found = "looks like a measurement (such as near infrared), not transparency"
    else:
        return False
    warnings.warn(
        f"The fourth channel of {name} {found}: only the first three are used.",
        stacklevel=4,
    )
    return True
