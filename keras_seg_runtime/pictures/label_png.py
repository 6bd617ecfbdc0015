"""Label maps as images that keep the class ids."""

import numpy as np
from PIL import Image

from keras_seg_runtime.labels.label_map import as_label_map


def label_png(labels, palette) -> Image.Image:
    """Converts a label map to a Pillow image whose pixel values are the class ids.

    Saved as PNG, it is shown in colour by image viewers, and
    `np.asarray(Image.open(path))` returns the ids. Maps with ids above 255, which a
    palette cannot hold, become 16-bit grey images.

    Args:
        labels: Integer array `(H, W)`, values 0..65535.
        palette: Array `(K, 3)`, 0..255: the colour of each class. Ids without a
            colour, such as a void of 255, are black.

    Returns:
        Pillow image of mode `P`, or `I;16` if an id is above 255.

    Raises:
        ValueError: If `labels` is not an integer map or has ids out of range.

    Example:

    ```python
    import numpy as np
    from keras_seg.visualization import default_palette, label_png

    picture = label_png(np.array([[0, 1], [2, 255]]), default_palette(3))
    print(np.asarray(picture))  # the same ids
    ```
    """
    labels = as_label_map(labels)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > 65535:
        raise ValueError(
            f"`labels` must lie in 0..65535 to be stored. Received: {low} to {high}"
        )
    if high > 255:
        return Image.fromarray(labels.astype("uint16"))
    picture = Image.fromarray(labels.astype("uint8"))
    table = np.zeros((256, 3), "uint8")
    palette = np.asarray(palette, "uint8")[:256]
    table[: len(palette)] = palette
    picture.putpalette(table.tobytes())  # changes the mode to P
    return picture
