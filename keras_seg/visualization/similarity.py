import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_seg_runtime.pictures.legend import PANEL, TEXT

# Similarities of -1, 0 and 1.
COLOURS = np.array([(50, 110, 190), (245, 245, 245), (190, 50, 40)], "float64")
EM = 14


def draw_similarity(names, vectors) -> np.ndarray:
    """Draws the cosine similarities of class vectors as a matrix.

    Blue is -1, white is 0 and red is 1. Each cell shows its value.

    Args:
        names: List of strings, one per class.
        vectors: Array `(K, C)`, one vector per class.

    Returns:
        uint8 array `(H, W, 3)`, a picture.

    Raises:
        ValueError: If there is not one name for each vector.

    Example:

    ```python
    import numpy as np
    import keras_seg

    vectors = np.random.default_rng(0).normal(size=(3, 16))
    picture = keras_seg.visualization.draw_similarity(["sky", "road", "car"], vectors)
    ```
    """
    vectors = np.asarray(vectors, "float64")
    if vectors.ndim != 2 or len(names) != len(vectors) or not len(names):
        raise ValueError(
            "`vectors` must have the shape (K, C) with a name for each of K vectors. "
            f"Received: shape {vectors.shape} and {len(names)} names."
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)
    cosine = np.clip(unit @ unit.T, -1, 1)  # (K, K)

    font = ImageFont.load_default(size=EM)
    cell = 3 * EM
    width = round(max(font.getlength(str(name)) for name in names))
    margin, height = width + 2 * EM, cell * len(names)
    canvas = Image.new("RGB", (margin + height + EM,) * 2, PANEL)
    rows = _names(names, font, (width, height), width, "rm")
    columns = _names(names, font, (width, height), 0, "lm")
    canvas.paste(rows, (EM, margin))
    canvas.paste(columns.transpose(Image.Transpose.ROTATE_90), (margin, EM))
    draw = ImageDraw.Draw(canvas)
    for i, row in enumerate(cosine):
        for j, value in enumerate(row):
            left, top = margin + j * cell, margin + i * cell
            colour = _colour(value)
            draw.rectangle([left, top, left + cell - 2, top + cell - 2], fill=colour)
            draw.text(
                (left + cell // 2 - 1, top + cell // 2 - 1),
                f"{value:.2f}",
                (20, 20, 20) if abs(value) < 0.6 else (250, 250, 250),
                font,
                anchor="mm",
            )
    return np.array(canvas)


def _names(names, font, size, x, anchor):
    picture = Image.new("RGB", size, PANEL)
    draw = ImageDraw.Draw(picture)
    for i, name in enumerate(names):
        y = (2 * i + 1) * size[1] // (2 * len(names))
        draw.text((x, y), str(name), TEXT, font, anchor=anchor)
    return picture


def _colour(value):
    end = COLOURS[2] if value > 0 else COLOURS[0]
    mixed = COLOURS[1] + (end - COLOURS[1]) * abs(value)
    return tuple(int(round(c)) for c in mixed)
