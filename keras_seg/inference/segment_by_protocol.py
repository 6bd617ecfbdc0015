"""Segmentation of one image by a test protocol, in bounded memory."""

import math

import numpy as np

from keras_seg.inference.inference_model import InferenceModel
from keras_seg.inference.mean_probabilities import mean_probabilities
from keras_seg.inference.shown_image import protocol_windows, shown_image
from keras_seg.inference.test_protocol import TestProtocol
from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.labels.segment import empty_labels, write_labels

# Maximum number of values (4 bytes each) that are kept for the windows below, and
# maximum number in one area: its probabilities and the arrays that are enlarged for
# them.
MAX_WAITING = 60_000_000
MAX_AREA = 80_000_000


def segment_by_protocol(model, image, protocol=None) -> np.ndarray:
    """Predicts the class of every pixel of one image by a test protocol.

    The image is resized bilinearly. Logits are averaged over the windows that contain a
    pixel and resized bilinearly to the image's own size. With several scales or `flip`,
    probabilities are averaged at that size.

    The logits of a large image are never held as a whole, only those of a few windows.
    With several scales, a large image is processed area by area, and windows across the
    border of two areas are computed twice. Where `"whole"` would exceed 8 million
    pixels or 300 million logits, the image is cut into overlapping tiles as in
    `segment`.

    Args:
        model: See `keras_seg.inference.segment`.
        image: See `keras_seg.inference.segment`.
        protocol: `keras_seg.inference.TestProtocol`; by default that of the model's
            preset, or else that of `segment`.

    Returns:
        NumPy array `(H, W)`: uint8 where all ids fit, else int32.

    Raises:
        ValueError: If the image cannot be read, or the model's output has another shape
            or NaN.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.inference import TestProtocol, segment_by_protocol

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    model.num_classes, model.ignore_class = 4, 255
    protocol = TestProtocol("slide", window=64, stride=48, scales=(0.5, 1.0), flip=True)
    labels = segment_by_protocol(model, np.zeros((60, 90, 3), "uint8"), protocol)
    print(labels.shape)  # (60, 90)
    ```
    """
    if protocol is None:
        protocol = TestProtocol.of_model(model)
    model = InferenceModel.of(model)
    image = as_rgb(image)
    passes = protocol.passes(*image.shape[:2])
    labels = empty_labels(model, *image.shape[:2])
    if len(passes) == 1:
        _label_one_pass(model, image, protocol, passes[0], labels)
        return labels
    height, width = labels.shape
    for top, bottom, left, right in _areas(height, width, model.num_classes, passes):
        area = (top, bottom, left, right)
        scores = mean_probabilities(model, image, protocol, area)
        labels[top:bottom, left:right] = np.argmax(scores, axis=-1)
    return labels


def _label_one_pass(model, image, protocol, size, labels):
    """Writes the labels of a single pass, which needs no probabilities."""
    shown = shown_image(image, protocol, *size)
    rows, columns = protocol_windows(model, protocol, shown.shape[:2])
    areas = [(0, shown.shape[1])]
    if shown.shape[:2] == labels.shape:
        # Columns are processed in parts if too many values would be kept for the
        # windows below.
        waiting = max(row.last - row.settled for row in rows.windows)
        most = MAX_WAITING // max(waiting * model.num_classes, 1)
        areas = _parts(shown.shape[1], most)
    for begin, end in areas:
        write_labels(model, shown, rows, columns.part(begin, end), labels)


def _areas(height, width, num_classes, passes):
    """Near-square areas that cover an image and stay within the memory limit."""
    pixels = height * width
    enlarged = [h * w for h, w, _ in passes if (h, w) != (height, width)]
    most = int(MAX_AREA / num_classes / (1 + max(enlarged, default=0) / pixels))
    if pixels <= most:
        return [(0, height, 0, width)]
    side = max(1, math.isqrt(most))
    return [
        (*rows, *columns)
        for rows in _parts(height, side)
        for columns in _parts(width, side)
    ]


def _parts(size, longest):
    """Even parts of an axis, none longer than `longest`."""
    count = math.ceil(size / max(1, min(longest, size)))
    edges = [round(index * size / count) for index in range(count + 1)]
    return list(zip(edges, edges[1:], strict=False))
