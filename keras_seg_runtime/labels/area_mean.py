"""Downscaling of images without aliasing."""

import math

import numpy as np

# Rows that are computed with one matrix product.
BLOCK = 16


def area_mean(image, height, width):
    """Downscales an image: each new pixel is the mean of the area that it covers.

    It is OpenCV's `INTER_AREA` to within rounding.

    Args:
        image: uint8 array `(H, W, C)`.
        height, width: Integers, the new size, at most that of the image.

    Returns:
        uint8 array `(height, width, C)`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.labels.area_mean import area_mean

    image = np.array([[[0], [10], [20], [30]]], "uint8")
    print(area_mean(image, 1, 2).ravel())  # [ 5 25]
    ```
    """
    means = _mean_rows(image, height).swapaxes(0, 1)  # (W, height, C)
    means = _mean_rows(np.ascontiguousarray(means), width).swapaxes(0, 1)
    if image.shape[:2] == (2 * height, 2 * width):
        means = np.floor(means + np.float32(0.5))  # as OpenCV rounds these
    else:
        means = np.rint(means)
    return np.ascontiguousarray(means.astype("uint8"))


def _mean_rows(x, count):
    """Means of `count` equal parts along the first axis, in float32."""
    size = len(x)
    flat = x.reshape(size, -1)
    means = np.empty((count, flat.shape[1]), "float32")
    edges = np.arange(count + 1) * (size / count)
    for top in range(0, count, BLOCK):
        bottom = min(top + BLOCK, count)
        first, last = int(edges[top]), min(math.ceil(edges[bottom]), size)
        cells = np.arange(first, last)
        begin, end = edges[top:bottom, None], edges[top + 1 : bottom + 1, None]
        weights = np.minimum(cells + 1, end) - np.maximum(cells, begin)
        weights = np.maximum(weights, 0) * (count / size)  # (block, cells)
        part = flat[first:last].astype("float32")
        np.matmul(weights.astype("float32"), part, out=means[top:bottom])
    return means.reshape(count, *x.shape[1:])
