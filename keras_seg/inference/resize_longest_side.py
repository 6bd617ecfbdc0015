"""Photos of many megapixels, at the size that a model was trained for."""

import cv2


def resize_longest_side(image, long_side):
    """The image with its long side shrunk to `long_side`; never enlarged.

    Each new pixel is the mean of the area it covers, so fine texture does not turn
    into noise.

    Args:
        image: uint8 array `(H, W, 3)`.
        long_side: Integer. 0 stands for the image's own size.

    Returns:
        uint8 array `(h, w, 3)`; the image itself if it is small enough.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.resize_longest_side import resize_longest_side

    image = np.zeros((300, 400, 3), "uint8")
    print(resize_longest_side(image, 100).shape)  # (75, 100, 3)
    ```
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    if not long_side or longer <= long_side:
        return image
    # Whole numbers, so that the long side is never a pixel off.
    size = [
        max(1, (side * long_side + longer // 2) // longer) for side in (width, height)
    ]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
