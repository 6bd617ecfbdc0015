"""The EXIF orientation of images: one rule for photos, masks and sizes."""

import numpy as np
from PIL import ImageOps

from keras_seg_runtime.images.missing_rows import require_all_rows, require_all_strips

EXIF_ORIENTATION = 0x0112
QUARTER_TURNS = (5, 6, 7, 8)  # these swap height and width
DESCRIPTIONS = {
    2: "mirrored left to right",
    3: "turned by 180 degrees",
    4: "mirrored top to bottom",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 90 degrees",
    8: "turned by 90 degrees",
}


def orientation_of(image):
    """Returns the EXIF orientation that an image was stored with.

    Args:
        image: `PIL.Image.Image`. Pillow turns TIFF files while it decodes them, and
            removes their orientation.

    Returns:
        Integer, 1 (upright) to 8. Values outside the standard count as 1.

    Example:

    ```python
    from PIL import Image
    from keras_seg_runtime.images.orientation import orientation_of

    print(orientation_of(Image.new("RGB", (6, 4))))  # 1
    ```
    """
    value = image.getexif().get(EXIF_ORIENTATION, 1)
    return value if value in DESCRIPTIONS else 1


def upright(image):
    """Decodes an image and turns it by its EXIF orientation.

    Args:
        image: `PIL.Image.Image`, decoded or not.

    Returns:
        A tuple of the `PIL.Image.Image`, decoded and without an orientation, and the
        orientation that it was stored with, 1 to 8.

    Raises:
        OSError: If the file is incomplete. Decoders raise many other types on broken
            files.

    Example:

    ```python
    from PIL import Image
    from keras_seg_runtime.images.orientation import upright

    image = Image.new("RGB", (6, 4))
    image.getexif()[0x0112] = 6
    image, orientation = upright(image)
    print(image.size, orientation)  # (4, 6) 6
    ```
    """
    orientation = orientation_of(image) if image.format == "TIFF" else 1
    if getattr(image, "tile", None):  # a file that is not decoded yet
        _load(image)
    if image.format != "TIFF":  # of PNG files it may stand behind the pixels
        orientation = orientation_of(image)
    return ImageOps.exif_transpose(image), orientation


def _load(image):
    file, name = image.fp, image.filename
    if image.format == "TIFF":
        require_all_strips(image)
        # Pillow maps uncompressed files into memory by name, and does so with
        # height and width swapped where the orientation is a quarter turn.
        image.filename = ""
    try:
        image.load()
    finally:
        image.filename = name
    if image.format == "PNG":
        if not file.closed:
            require_all_rows(file, image)
        elif name:
            with open(name, "rb") as file:
                require_all_rows(file, image)


def upright_size(image):
    """Returns the size that `upright` gives, without decoding.

    Args:
        image: `PIL.Image.Image` of a file, not yet decoded.

    Returns:
        A tuple `(height, width)`.

    Example:

    ```python
    from PIL import Image
    from keras_seg_runtime.images.orientation import upright_size

    print(upright_size(Image.new("RGB", (6, 4))))  # (4, 6)
    ```
    """
    width, height = image.size
    quarter_turn = orientation_of(image) in QUARTER_TURNS
    # Of a TIFF file, Pillow gives the size after the turn.
    if quarter_turn and image.format != "TIFF":
        return width, height
    return height, width


def turn_array(array, orientation):
    """Turns an array the way `upright` turns images.

    Args:
        array: Array `(H, W, ...)`, pixels as stored.
        orientation: Integer, the EXIF orientation, 1 to 8.

    Returns:
        The turned array.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.images.orientation import turn_array

    print(turn_array(np.array([[1, 2]]), 3))  # [[2 1]]
    ```
    """
    if orientation in QUARTER_TURNS:
        array = array.swapaxes(0, 1)
    # After the transpose, by orientation: which axes run backwards.
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.ascontiguousarray(np.flip(array, flips.get(orientation, ())))


def turned_apart(image_size, mask_size, image_orientation, mask_orientation):
    """Tells whether a photo was turned by its EXIF orientation and its mask was not.

    Args:
        image_size, mask_size: `(height, width)` after the turn.
        image_orientation, mask_orientation: Integers, 1 to 8.

    Returns:
        `None`: no. `"certain"`: height and width are swapped. `"possible"`: the sizes
        agree either way.
    """
    if image_orientation == mask_orientation or mask_orientation != 1:
        return None
    stored = image_size
    if image_orientation in QUARTER_TURNS:
        stored = image_size[::-1]
    if tuple(mask_size) != tuple(stored):
        return None
    return "possible" if stored == image_size else "certain"
