"""The legend of an overlay: colours, class names and shares."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PANEL = (24, 26, 31)
TEXT = (238, 240, 243)
MUTED = (160, 166, 176)


def add_legend(picture, entries) -> np.ndarray:
    """Adds a panel with one line for each class, scaled to the size of the picture.

    The panel is below a picture that is wider than it is tall, and to the right of
    others.

    Args:
        picture: uint8 array `(H, W, 3)`.
        entries: List of `(name, colour, share)` in the order to show; `colour` is
            `(red, green, blue)`, or `None` for an empty box; `share` lies in 0..1.

    Returns:
        uint8 array `(H', W', 3)` with the picture in its top left corner.

    Raises:
        ValueError: If there are no entries.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.pictures.legend import add_legend

    photo = np.zeros((90, 120, 3), "uint8")
    picture = add_legend(photo, [("road", (128, 64, 128), 1.0)])
    ```
    """
    if not entries:
        raise ValueError("`entries` must list at least one class. Received: none")
    height, width = picture.shape[:2]
    em = min(max(round(math.sqrt(height * width) * 0.03), 12), 160)
    font = ImageFont.load_default(size=em)
    names = [str(name) for name, _, _ in entries]
    shares = [format_share(share) for _, _, share in entries]
    name_width = math.ceil(max(map(font.getlength, names)))
    share_width = math.ceil(max(map(font.getlength, shares)))
    box, gap, pad, line = em, round(em * 0.5), em, round(em * 1.6)
    cell = box + gap + name_width + 2 * gap + share_width
    columns, rows = _layout(height, width, len(entries), cell + 2 * pad, line, pad)
    panel_width = pad + columns * (cell + 2 * pad) - pad
    panel_height = 2 * pad + rows * line

    if width > height:
        left, top = 0, height
        # Spread the columns over the width of the picture.
        spread = max(0, width - panel_width) // columns
        canvas_size = max(width, panel_width), height + panel_height
    else:
        left, top, spread = width, 0, 0
        canvas_size = width + panel_width, max(height, panel_height)
        # Centre the lines beside the picture.
        top = max(0, height - panel_height) // 2
    canvas = Image.new("RGB", canvas_size, PANEL)
    canvas.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(canvas)
    for index, (name, share, entry) in enumerate(
        zip(names, shares, entries, strict=True)
    ):
        x = left + pad + (index // rows) * (cell + 2 * pad + spread)
        y = top + pad + (index % rows) * line + line // 2  # middle of the line
        corners = [x, y - box // 2, x + box - 1, y - box // 2 + box - 1]
        draw.rectangle(corners, fill=entry[1], outline=MUTED)
        draw.text((x + box + gap, y), name, TEXT, font, anchor="lm")
        draw.text((x + cell, y), share, MUTED, font, anchor="rm")
    return np.array(canvas)


def format_share(share):
    """Formats a share of 0..1 as a percentage: `12.3 %`, or `< 0.1 %`."""
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "< 0.1 %"


def _layout(height, width, count, cell, line, pad):
    """The number of columns and rows that fits the side of the picture."""
    if width > height:
        columns = min(max((width - pad) // cell, 1), count)
    else:
        # At least eight lines, also beside a very small picture.
        fitting = max((height - 2 * pad) // line, 8)
        columns = math.ceil(count / fitting)
    rows = math.ceil(count / columns)
    return math.ceil(count / rows), rows
