"""The size and the windows in which an image is passed to a model.

`segment` and `segment_by_protocol` share these functions.
"""

import cv2

from keras_seg.inference.predict_logits import fixed_size
from keras_seg.inference.window_axis import WindowAxis, window_for

# Maximum number of pixels of one window, after enlargement by the model, and of logits,
# which need more memory than the features from about 30 classes on.
MAX_WINDOW_PIXELS = 2_000_000
MAX_WINDOW_LOGITS = 60_000_000
# The same limits for a protocol with whole images.
MAX_WHOLE_PIXELS = 8_000_000
MAX_WHOLE_LOGITS = 300_000_000
OVERLAP = 0.125


def longest_side_size(height, width, long_side):
    """The size `(height, width)` after `resize_longest_side`."""
    longer = max(height, width)
    if not long_side or longer <= long_side:
        return height, width
    # Integer arithmetic, so that the long side is exact.
    return tuple(
        max(1, (side * long_side + longer // 2) // longer) for side in (height, width)
    )


def resize_longest_side(image, long_side):
    """Downscales an image whose long side exceeds `long_side`.

    Each new pixel is the mean of the area that it covers, which avoids aliasing.

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
    """Resizes an image for one of the passes of `TestProtocol.passes`."""
    image = resize_longest_side(image, protocol.long_side)
    if image.shape[:2] != (height, width):
        # Bilinear without antialiasing, as in the published evaluations.
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image[:, ::-1] if mirrored else image


def max_window_pixels(model, whole=False):
    """Maximum number of pixels of an image that a model processes in one window.

    Args:
        model: See `keras_seg.inference.segment`.
        whole: Boolean. Whether the limits are those for whole images.
    """
    pixels = MAX_WHOLE_PIXELS if whole else MAX_WINDOW_PIXELS
    logits = MAX_WHOLE_LOGITS if whole else MAX_WINDOW_LOGITS
    pixels = pixels / getattr(model, "input_scale", 1.0) ** 2
    return int(min(pixels, max(1, logits / model.num_classes)))


def default_window(model, height, width, overlap=OVERLAP, max_pixels=None, whole=False):
    """The default window `(height, width)` for an image of this size."""
    fixed = fixed_size(model)
    if fixed and max_pixels is None:
        return fixed
    if max_pixels is None:
        if whole and height * width <= max_window_pixels(model, whole=True):
            return height, width
        max_pixels = max_window_pixels(model)
    return window_for(height, width, overlap, max_pixels)


def protocol_windows(model, protocol, size, rows=None, columns=None):
    """Computes the windows of a protocol over an image, or over an area of it.

    Args:
        model: See `keras_seg.inference.segment`.
        protocol: `keras_seg.inference.TestProtocol`.
        size: Pair `(height, width)`, the size of the resized image.
        rows, columns: Slices or `None`. The area, by default the whole image.

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
