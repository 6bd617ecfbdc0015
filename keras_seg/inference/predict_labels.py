"""Label maps of many images."""

from typing import Any

import numpy as np

from keras_seg.inference.inference_model import InferenceModel
from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.labels.longest_side import longest_side_size, resize_longest_side
from keras_seg_runtime.labels.predict_logits import predict_windows
from keras_seg_runtime.labels.segment import (
    check_options,
    empty_labels,
    segment,
    write_window_labels,
)
from keras_seg_runtime.labels.window_size import default_window, max_window_pixels


def predict_labels(model, images, batch_size=8, threshold=None, long_side=None) -> Any:
    """Predicts the class of every pixel of images, several images at once.

    The labels of each image are those of `keras_seg.inference.segment`. Logits are
    computed at the resolution of the model's head, and upsampled only where several
    classes can be the argmax: no array of logits at the size of the images is made.

    Args:
        model: See `keras_seg.inference.segment`.
        images: Array `(B, H, W, 3)`; a list of images of any sizes, each as `segment`
            accepts it; or one image `(H, W, 3)`.
        batch_size: Integer. Maximum number of images that the model processes at once:
            neighbours of one size. Large images are processed one by one.
        threshold, long_side: See `keras_seg.inference.segment`.

    Returns:
        NumPy array `(B, H, W)` for an array, a list of arrays `(H, W)` for a list, one
        array for one image: uint8 where all ids fit, else int32.

    Raises:
        ValueError: If `batch_size` is not a positive integer, and as in `segment`.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.inference import predict_labels

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    model.num_classes, model.ignore_class = 4, 255
    print(predict_labels(model, np.zeros((3, 40, 50, 3), "uint8")).shape)  # (3, 40, 50)
    ```
    """
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(
            f"`batch_size` must be a positive integer. Received: {batch_size!r}"
        )
    model = InferenceModel.of(model)
    options = {"threshold": threshold, "long_side": long_side}
    if isinstance(images, (list, tuple)):
        return list(_labels(model, images, batch_size, options))
    if len(getattr(images, "shape", ())) != 4:
        return segment(model, images, **options)
    labels = list(_labels(model, images, batch_size, options))
    if not labels:
        raise ValueError(
            "`predict_labels` received no image, expected at least one. Received: "
            f"images of shape {tuple(images.shape)}."
        )
    return np.stack(labels)


def _labels(model, images, batch_size, options):
    """Yields the labels of one image after the other."""
    waiting = []
    for image in images:
        image = as_rgb(image)
        if waiting and image.shape != waiting[0].shape:
            yield from _labels_of_one_size(model, waiting, options)
            waiting = []
        waiting.append(image)
        if len(waiting) == batch_size:
            yield from _labels_of_one_size(model, waiting, options)
            waiting = []
    if waiting:
        yield from _labels_of_one_size(model, waiting, options)


def _labels_of_one_size(model, images, options):
    long_side = options["long_side"]
    if long_side is None:
        long_side = getattr(model, "long_side", None) or 0
    size = longest_side_size(*images[0].shape[:2], long_side)
    at_once = max_window_pixels(model) // (size[0] * size[1])
    if at_once < 2 or default_window(model, *size) != size:
        for image in images:
            yield segment(model, image, **options)
        return
    check_options(model, threshold=options["threshold"], long_side=long_side)
    while images:
        # A power of two: JAX compiles a program for each number of images.
        count = 1 << (min(len(images), at_once).bit_length() - 1)
        batch = np.stack([resize_longest_side(x, long_side) for x in images[:count]])
        for image, logits in zip(images, predict_windows(model, batch), strict=False):
            labels = empty_labels(model, *image.shape[:2])
            write_window_labels(
                logits, labels, options["threshold"], model.ignore_class
            )
            yield labels
        images = images[count:]
