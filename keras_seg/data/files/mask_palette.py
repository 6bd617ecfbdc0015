"""From the colours of masks to class ids."""

import numpy as np


def count_colours(pixels):
    """Counts the colours of an image.

    Args:
        pixels: uint8 array `(..., 3)`.

    Returns:
        A list of `((r, g, b), count)`, most frequent first.

    Example:

    ```python
    import numpy as np
    from keras_seg.data.files.mask_palette import count_colours

    print(count_colours(np.zeros((2, 2, 3), "uint8")))  # [((0, 0, 0), 4)]
    ```
    """
    codes, counts = np.unique(colour_codes(pixels), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [
        ((int(c) >> 16, int(c) >> 8 & 255, int(c) & 255), int(n))
        for c, n in zip(codes[order], counts[order], strict=True)
    ]


def colour_codes(colours):
    """Returns one integer for each colour, for comparing and sorting.

    Args:
        colours: Integer array `(..., 3)`.

    Returns:
        int64 array `(...)`.
    """
    colours = np.asarray(colours).astype("int64")
    return colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]


def ids_of_colours(path, pixels, mask_palette):
    """Translates the colours of a mask into ids.

    Args:
        path: Path of the mask, for messages.
        pixels: uint8 array `(H, W, 3)`.
        mask_palette: List of `(r, g, b)`, dict from `(r, g, b)` to id, or `None`.

    Returns:
        Integer array `(H, W)`, uint8 where the ids allow it, else int32.

    Raises:
        ValueError: If there is no palette or it is malformed, or if the mask holds a
            colour that it does not list.

    Example:

    ```python
    import numpy as np
    from keras_seg.data.files.mask_palette import ids_of_colours

    pixels = np.array([[[255, 0, 0], [0, 0, 0]]], "uint8")
    print(ids_of_colours("a.png", pixels, {(0, 0, 0): 0, (255, 0, 0): 7}))  # [[7 0]]
    ```
    """
    if mask_palette is None or len(mask_palette) == 0:
        colours = [colour for colour, _ in count_colours(pixels)]
        raise ValueError(
            f"The mask {path!r} is painted in RGB colours, expected one id a pixel. "
            "Pass `mask_palette=[(r, g, b), ...]`, one colour for each class id in "
            f"order. Colours found: {_listing(colours)}."
        )
    colours, ids = _checked_palette(mask_palette)
    codes = colour_codes(colours)
    order = np.argsort(codes)
    codes, ids = codes[order], ids[order]
    pixel_codes = colour_codes(pixels)  # (H, W)
    places = np.searchsorted(codes, pixel_codes).clip(max=len(codes) - 1)
    unlisted = codes[places] != pixel_codes
    if unlisted.any():
        colours = [c for c, _ in count_colours(pixels[unlisted][None])]
        raise ValueError(
            f"The mask {path!r} has {unlisted.sum()} pixels of colours that "
            f"`mask_palette` does not list: {_listing(colours)}. Add them to "
            "`mask_palette` as a dict, for example `{(r, g, b): 255}` for void, or "
            "repair the mask. Blended colours at edges come from resizing or "
            "lossy compression."
        )
    mask = ids[places]  # (H, W)
    if ids.min() >= 0 and ids.max() <= 255:
        return mask.astype("uint8")
    return mask


def _checked_palette(mask_palette):
    """Colours `(N, 3)` and ids `(N,)` of a palette."""
    if not isinstance(mask_palette, dict):
        repeated = {tuple(map(int, c)) for c in mask_palette if np.shape(c) == (3,)}
        if len(repeated) < len(mask_palette) and all(
            np.shape(c) == (3,) for c in mask_palette
        ):
            raise ValueError(
                "`mask_palette` lists a colour twice, so that its id is not known. "
                f"Received: mask_palette={list(mask_palette)}. Pass a dict from "
                "colour to id."
            )
    pairs = (
        list(mask_palette.items())
        if isinstance(mask_palette, dict)
        else [(colour, i) for i, colour in enumerate(mask_palette)]
    )
    for colour, i in pairs:
        fits = np.shape(colour) == (3,) and all(
            isinstance(v, (int, np.integer)) and 0 <= v <= 255 for v in colour
        )
        if not fits or not isinstance(i, (int, np.integer)) or isinstance(i, bool):
            raise ValueError(
                "`mask_palette` must be a list of colours (r, g, b) of integers in "
                "0..255, or a dict from such colours to integer ids. Received the "
                f"entry {colour!r}: {i!r}. For masks of grey levels leave it out and "
                "translate with `id_map`."
            )
    colours, ids = zip(*pairs, strict=True)
    return np.array(colours, "int64"), np.array(ids, "int32")


def _listing(colours, limit=20):
    text = ", ".join(str(colour) for colour in colours[:limit])
    if len(colours) > limit:
        text += f" and {len(colours) - limit} more"
    return text
