"""The size and the windows in which a test protocol passes an image to a model."""

import cv2

from keras_seg_runtime.labels.longest_side import resize_longest_side
from keras_seg_runtime.labels.window_axis import WindowAxis
from keras_seg_runtime.labels.window_size import OVERLAP, default_window


def shown_image(image, protocol, height, width, mirrored=False):
    """Resizes an image for one of the passes of `TestProtocol.passes`."""
    image = resize_longest_side(image, protocol.long_side)
    if image.shape[:2] != (height, width):
        # Bilinear without antialiasing, as in the published evaluations.
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image[:, ::-1] if mirrored else image


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
