"""The size of the windows in which an image is passed to a model."""

from keras_seg_runtime.labels.window_axis import window_for

# Maximum number of pixels of one window, after enlargement by the model, and of logits,
# which need more memory than the features from about 30 classes on.
MAX_WINDOW_PIXELS = 2_000_000
MAX_WINDOW_LOGITS = 60_000_000
# The same limits for a protocol with whole images.
MAX_WHOLE_PIXELS = 8_000_000
MAX_WHOLE_LOGITS = 300_000_000
OVERLAP = 0.125


def fixed_size(model):
    """The input size `(height, width)` of a model if it is fixed, else `None`."""
    size = tuple(getattr(model, "input_shape", (None,) * 4)[1:3])
    return None if None in size else size


def max_window_pixels(model, whole=False):
    """Maximum number of pixels of an image that a model processes in one window.

    Args:
        model: See `keras_seg_runtime.segment`.
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
