"""Read a label mask from disk and keep its class ids."""

import os

import numpy as np

from keras_seg.data.files.read_image import GREY_16_MODES, MAX_PIXELS, open_image

ID_MODES = ("1", "L", "P", "F", *GREY_16_MODES)
MASK_FORMATS = ("PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG")


def read_mask(path, mask_palette=None, max_pixels=MAX_PIXELS):
    """Read a mask file as an array of ids.

    Grey masks (8 and 16 bits) hold one id a pixel. Palette masks hold ids too,
    and colours only for show: the ids are kept. Black-and-white (1 bit) masks
    hold 0 and 1. Masks painted in RGB hold colours, which `mask_palette`
    translates; once it is given, every mask is read by its colours.

    Args:
        path: path of the file. JPEG is refused: its compression invents ids.
        mask_palette: list of `(r, g, b)`, where the place in the list is the
            id, or dict from `(r, g, b)` to id. Defaults to `None`.
        max_pixels: integer. Larger masks are refused before they are decoded.

    Returns:
        An integer array of shape `(height, width)`: uint8 where the file holds 8
        bits, int32 otherwise.

    Raises:
        ValueError: if the file is missing, broken, too large, a JPEG, painted
            in colours without a `mask_palette`, or holds a colour that
            `mask_palette` does not list. The message names the file, what was
            found and the way out.

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
    path = os.fspath(path)
    pixels, mode = _decode(path, mask_palette is not None, max_pixels)
    if pixels.ndim == 3:
        return _ids_of_colours(path, pixels, mask_palette)
    if mode in GREY_16_MODES:
        return pixels.astype("int32")
    if mode == "F":
        raise ValueError(
            f"The mask '{path}' holds floating point values, expected integer ids. "
            "Save it as an 8-bit PNG of ids."
        )
    return pixels.astype("uint8")


def mask_colours(path, max_pixels=MAX_PIXELS):
    """The colours of a mask and how many pixels have each.

    Args:
        path: path of the file.
        max_pixels: integer. Larger masks are refused before they are decoded.

    Returns:
        A list of `((r, g, b), count)`, most frequent first.

    Raises:
        ValueError: if the file cannot be read.
    """
    return _count_colours(_decode(os.fspath(path), True, max_pixels)[0])


def _decode(path, as_colours, max_pixels):
    """Pixels (H, W) or (H, W, 3) of a mask file, and its Pillow mode."""
    with open_image(path, MASK_FORMATS, max_pixels) as image:
        if image.format in ("JPEG", "MPO"):
            raise ValueError(
                f"The mask '{path}' is a JPEG, whose compression changes ids and "
                "colours. Export the masks again from their source as PNG."
            )
        try:
            image.load()
            mode = image.mode
            if mode in ("LA", "PA"):
                image = image.getchannel(0)
            elif as_colours or mode not in ID_MODES:
                image = image.convert("RGB")
            return np.array(image), mode
        except Exception as error:  # decoders raise many types on broken files
            raise ValueError(
                f"The mask '{path}' cannot be decoded ({type(error).__name__}: "
                f"{error}). The file is broken or incomplete; export it again."
            ) from error


def _count_colours(pixels):
    codes, counts = np.unique(_codes(pixels), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [
        ((int(c) >> 16, int(c) >> 8 & 255, int(c) & 255), int(n))
        for c, n in zip(codes[order], counts[order], strict=True)
    ]


def _codes(colours):
    colours = np.asarray(colours).astype("int64")
    return colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]


def _ids_of_colours(path, pixels, mask_palette):
    if mask_palette is None or len(mask_palette) == 0:
        colours = [colour for colour, _ in _count_colours(pixels)]
        raise ValueError(
            f"The mask '{path}' is painted in RGB colours, expected one id a pixel. "
            "Pass `mask_palette=[(r, g, b), ...]`, one colour for each class id in "
            f"order. Colours found: {_listing(colours)}."
        )
    if not isinstance(mask_palette, dict):
        mask_palette = {tuple(c): i for i, c in enumerate(mask_palette)}
    codes = _codes(np.array(list(mask_palette)))
    ids = np.array(list(mask_palette.values()), "int32")
    order = np.argsort(codes)
    codes, ids = codes[order], ids[order]
    pixel_codes = _codes(pixels)  # (H, W)
    places = np.searchsorted(codes, pixel_codes).clip(max=len(codes) - 1)
    unlisted = codes[places] != pixel_codes
    if unlisted.any():
        colours = [c for c, _ in _count_colours(pixels[unlisted][None])]
        raise ValueError(
            f"The mask '{path}' has {unlisted.sum()} pixels of colours that "
            f"`mask_palette` does not list: {_listing(colours)}. Add them to "
            "`mask_palette` as a dict, for example `{(r, g, b): 255}` for void, or "
            "repair the mask. Blended colours at edges come from resizing or "
            "lossy compression."
        )
    mask = ids[places]  # (H, W)
    if mask.min() >= 0 and mask.max() <= 255:
        return mask.astype("uint8")
    return mask


def _listing(colours, limit=20):
    text = ", ".join(str(colour) for colour in colours[:limit])
    if len(colours) > limit:
        text += f" and {len(colours) - limit} more"
    return text
