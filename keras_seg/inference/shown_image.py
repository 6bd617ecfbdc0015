"""What a test protocol shows the model of an image, and in which windows."""

import cv2

from keras_seg.inference.predict_patch import fixed_size
from keras_seg.inference.segment import MAX_LOGITS, MAX_PIXELS
from keras_seg.inference.tiling import auto_tile

# Whole images beyond these are cut into windows that overlap by this share.
MAX_WHOLE_PIXELS = 8_000_000
MAX_WHOLE_LOGITS = 300_000_000
OVERLAP = 0.125


def shown_image(image, height, width, mirrored=False):
    """The image in one of the sizes that `TestProtocol.passes` lists."""
    if image.shape[:2] != (height, width):
        # Not the mean of areas, although it would be better: papers did not do so.
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image[:, ::-1] if mirrored else image


def window_and_stride(model, protocol, height, width):
    """Window and stride, pairs of `(height, width)`, for an image of this size."""
    if protocol.mode == "slide":
        return protocol.window, protocol.stride
    pixels = height * width * getattr(model, "input_scale", 1.0) ** 2
    window = fixed_size(model)
    if window is None:
        window = height, width
        logits = height * width * model.num_classes
        if pixels > MAX_WHOLE_PIXELS or logits > MAX_WHOLE_LOGITS:
            share = MAX_PIXELS * height * width / pixels
            most = int(min(share, MAX_LOGITS / model.num_classes))
            window = auto_tile(height, width, OVERLAP, most)
    stride = [max(1, side - int(side * OVERLAP)) for side in window]
    return window, stride
