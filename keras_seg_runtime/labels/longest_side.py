"""The size in which an image is shown to a model."""

from keras_seg_runtime.labels.area_mean import area_mean


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
    from keras_seg_runtime.labels.longest_side import resize_longest_side

    image = np.zeros((300, 400, 3), "uint8")
    print(resize_longest_side(image, 100).shape)  # (75, 100, 3)
    ```
    """
    height, width = longest_side_size(*image.shape[:2], long_side)
    if image.shape[:2] == (height, width):
        return image
    return area_mean(image, height, width)
