"""Read a label mask from disk and keep its class ids."""

import os
import warnings

import numpy as np

from keras_seg.data.files.mask_palette import colour_codes, ids_of_colours
from keras_seg_runtime.images.missing_rows import png_header
from keras_seg_runtime.images.open_image import MAX_IMAGE_PIXELS, open_image
from keras_seg_runtime.images.orientation import orientation_of, upright
from keras_seg_runtime.images.read_image import GREY_16_MODES

ID_MODES = ("1", "L", "P", "LA", "PA", "F", *GREY_16_MODES)
MASK_FORMATS = ("PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG")


def read_mask(path, mask_palette=None, max_pixels=MAX_IMAGE_PIXELS) -> np.ndarray:
    """Reads a mask file as an array of ids.

    Grey masks (2 to 16 bits a pixel) hold one id a pixel. Palette masks hold ids too,
    and colours only for show: the ids are kept. Black-and-white (1 bit) masks hold 0
    and 1. Masks painted in RGB hold colours, which `mask_palette` translates; once it
    is given, every mask is read by its colours. An EXIF orientation of the mask file
    is applied, as for photos. Transparency is not read: there is a warning where it
    tells pixels apart that the ids or colours do not.

    Args:
        path: Path of the file. JPEG and other lossy files are refused: their
            compression invents ids.
        mask_palette: List of `(r, g, b)`, where the place in the list is the
            id, or dict from `(r, g, b)` to id. Defaults to `None`.
        max_pixels: Integer. Larger masks are refused before they are decoded.

    Returns:
        An integer array of shape `(height, width)`: uint8 where the file holds 8
        bits, int32 otherwise.

    Raises:
        ValueError: If the file is missing, broken, incomplete, too large, lossy,
            painted in colours without a `mask_palette`, or holds a colour that
            `mask_palette` does not list. The message names the file, what was
            found and the fix.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import read_mask

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mask.png")
        Image.fromarray(np.array([[[255, 0, 0], [0, 0, 0]]], "uint8")).save(path)
        mask = read_mask(path, mask_palette=[(0, 0, 0), (255, 0, 0)])
    print(mask.tolist())  # [[1, 0]]
    ```
    """
    path = os.fsdecode(path)
    pixels, facts = decode_mask(path, mask_palette is not None, max_pixels)
    for finding in facts["findings"]:
        warnings.warn(f"The mask {path!r} {finding}", stacklevel=2)
    if pixels.ndim == 3:
        return ids_of_colours(path, pixels, mask_palette)
    return pixels.astype("uint8" if pixels.itemsize == 1 else "int32")


def decode_mask(path, as_colours=False, max_pixels=MAX_IMAGE_PIXELS):
    """Reads the pixels of a mask file, and what they do not tell.

    Args:
        path: String, path of the file.
        as_colours: Boolean. Whether to read colours also where the file holds ids.
        max_pixels: Integer. Larger masks are refused before they are decoded.

    Returns:
        A tuple of the pixels, ids `(H, W)` or colours `(H, W, 3)`, and a dict of
        `orientation` (of EXIF) and `findings`: what goes unread, as a list of
        sentences without their subject.

    Raises:
        ValueError: If the file cannot be read, or is lossy.
    """
    with open_image(path, MASK_FORMATS, max_pixels) as image:
        try:
            fault = _fault(image)
            mode, findings = image.mode, []
            if not fault:
                scale, pages = _grey_scale(image), getattr(image, "n_frames", 1)
                if pages > 1:
                    findings.append(
                        f"has {pages} pages or frames, of which the first is read. "
                        "Save one file for each mask."
                    )
                image, orientation = upright(image)
                pixels, lost = _pixels(image, as_colours or mode not in ID_MODES)
        except Exception as error:  # decoders raise many types on broken files
            raise ValueError(
                f"The mask {path!r} cannot be decoded ({type(error).__name__}: "
                f"{error}). The file is broken or incomplete; export it again."
            ) from error
    if fault is None and as_colours and mode in GREY_16_MODES:
        fault = "has 16 bits a pixel and no colours. Leave `mask_palette` out."
    if fault:
        raise ValueError(f"The mask {path!r} {fault}")
    if pixels.ndim == 2:
        pixels = pixels // scale if scale > 1 else pixels
    if lost:
        findings.append(lost)
    return pixels, {"orientation": orientation, "findings": findings}


def _fault(image):
    """Why ids cannot be read from a file, or `None`."""
    compression = str(image.info.get("compression", ""))
    if image.format in ("JPEG", "MPO"):
        return (
            "is a JPEG, whose compression changes ids and colours. Export the masks "
            "again from their source as PNG."
        )
    if "jpeg" in compression or image.format == "WEBP" and _is_lossy_webp(image.fp):
        return (
            "is compressed with loss, which changes ids and colours. Export the masks "
            "again from their source as PNG."
        )
    if image.mode == "F":
        return (
            "holds floating point values, expected integer ids. Save it as an 8-bit "
            "PNG of ids."
        )
    if image.format == "TIFF" and image.mode != "1":
        if image.tag_v2.get(262) == 0:  # PhotometricInterpretation: white is zero
            return (
                "is a TIFF file of inverted grey levels (white is zero), which hide "
                "the ids. Save it as an 8-bit PNG of ids."
            )
    if image.format == "PNG" and png_header(image.fp)[2:4] == (16, 4):
        return (
            "has 16 bits of grey and of transparency, which are read as 8. Save it as "
            "a 16-bit PNG without transparency."
        )
    return None


def _is_lossy_webp(file):
    file.seek(12)
    while len(head := file.read(8)) == 8:
        if head[:4] == b"VP8 ":
            return True
        size = int.from_bytes(head[4:], "little")
        file.seek(size + size % 2 if head[:4] != b"ANMF" else 16, 1)
    return False


def _grey_scale(image):
    """The factor by which Pillow stretches grey levels of 2 and 4 bits."""
    if image.mode != "L":
        return 1
    bits = 8
    if image.format == "PNG":
        bits = png_header(image.fp)[2]
    elif image.format == "TIFF":
        bits = image.tag_v2.get(258, (8,))[0]  # BitsPerSample
    return 255 // (2**bits - 1) if bits in (2, 4) else 1


def _pixels(image, as_colours):
    """Pixels (H, W) or (H, W, 3), and what is lost with the transparency, if any."""
    alpha = None
    if image.has_transparency_data:
        alpha = np.array(image.convert("RGBA").getchannel("A"))  # (H, W)
    if as_colours:
        # Not by `convert` from RGBA to palettes and back: colours stay as stored.
        pixels = np.array(image.convert("RGBA" if alpha is not None else "RGB"))
        pixels = np.ascontiguousarray(pixels[..., :3])  # (H, W, 3)
        values = colour_codes(pixels)
    else:
        if image.mode in ("LA", "PA"):
            image = image.getchannel(0)
        pixels = values = np.array(image)  # (H, W)
    if alpha is None:
        return pixels, None
    opaque = alpha == 255
    both = np.intersect1d(values[opaque], values[~opaque])
    if both.size == 0:
        return pixels, None
    return pixels, (
        "has an alpha channel (transparency), which is not read, and it tells pixels "
        f"apart that have the same {'colour' if as_colours else 'id'}. If the objects "
        "are drawn in it, save it as the mask: Image.open(path).getchannel('A')."
    )


def mask_orientation(path):
    """Returns the EXIF orientation of a mask file, 1 to 8; 1 if it cannot be read."""
    try:
        with open_image(path, MASK_FORMATS) as image:
            return orientation_of(image)
    except Exception:  # reading the mask says what is wrong with it
        return 1
