"""How an image is shown to a model: at which size, and in which windows.

`segment` and `segment_by_protocol` both decide it here.
"""

import cv2

from keras_seg.inference.predict_logits import fixed_size
from keras_seg.inference.window_axis import WindowAxis, window_for

# The most pixels of one window, after the model has enlarged them, and the most
# logits, which take more memory than the features from about 30 classes on.
MAX_WINDOW_PIXELS = 2_000_000
MAX_WINDOW_LOGITS = 60_000_000
# The same for a protocol that asks for whole images.
MAX_WHOLE_PIXELS = 8_000_000
MAX_WHOLE_LOGITS = 300_000_000
OVERLAP = 0.125


def longest_side_size(height, width, long_side):
    """The size `(height, width)` after `resize_longest_side`."""
    longer = max(height, width)
    if not long_side or longer <= long_side:
        return height, width
    # Whole numbers, so that the long side is never a pixel off.
    return tuple(
        max(1, (side * long_side + longer // 2) // longer) for side in (height, width)
    )


def resize_longest_side(image, long_side):
    """The image with its long side shrunk to `long_side`; never enlarged.

    Each new pixel is the mean of the area it covers, so fine texture does not turn
    into noise.

    Args:
        image: uint8 array `(H, W, 3)`.
        long_side: Integer. 0 or `None` keeps the image's own size.

    Returns:
        uint8 array `(h, w, 3)`; the image itself if it is small enough.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.shown_image import resize_longest_side

    image = np.zeros((300, 400, 3), "uint8")
    print(resize_longest_side(image, 100).shape)  # (75, 100, 3)
    ```
    """
    height, width = longest_side_size(*image.shape[:2], long_side)
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def shown_image(image, protocol, height, width, mirrored=False):
    """The image in one of the sizes that `TestProtocol.passes` lists."""
    image = resize_longest_side(image, protocol.long_side)
    if image.shape[:2] != (height, width):
        # Bilinear without antialiasing, as in the published evaluations.
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image[:, ::-1] if mirrored else image


def max_window_pixels(model, whole=False):
    """The most pixels of an image that a model is shown in one window.

    Args:
        model: See `keras_seg.inference.segment`.
        whole: Boolean. Whether a protocol asks for whole images.
    """
    pixels = MAX_WHOLE_PIXELS if whole else MAX_WINDOW_PIXELS
    logits = MAX_WHOLE_LOGITS if whole else MAX_WINDOW_LOGITS
    pixels = pixels / getattr(model, "input_scale", 1.0) ** 2
    return int(min(pixels, max(1, logits / model.num_classes)))


def default_window(model, height, width, overlap=OVERLAP, max_pixels=None, whole=False):
    """The window `(height, width)` for an image of this size where none is given."""
    fixed = fixed_size(model)
    if fixed and max_pixels is None:
        return fixed
    if max_pixels is None:
        if whole and height * width <= max_window_pixels(model, whole=True):
            return height, width
        max_pixels = max_window_pixels(model)
    return window_for(height, width, overlap, max_pixels)


def protocol_windows(model, protocol, size, rows=None, columns=None):
    """The windows that a protocol asks for over an image, or an area of it.

    Args:
        model: See `keras_seg.inference.segment`.
        protocol: `keras_seg.inference.TestProtocol`.
        size: Pair `(height, width)` of the shown image.
        rows, columns: Slices, the area asked for, by default all.

    Returns:
        Pair of `WindowAxis`: rows and columns.
    """
    if protocol.mode == "slide":
        axes = map(WindowAxis.averaged, size, protocol.window, protocol.stride)
    else:
        window = default_window(model, *size, whole=protocol.mode == "whole")
        axes = map(WindowAxis.blended, size, window, (OVERLAP, OVERLAP))
    areas = zip(axes, size, (rows, columns), strict=True)
    return [
        axis.part(area.start, area.stop) if area else axis.part(0, length)
        for axis, length, area in areas
    ]
