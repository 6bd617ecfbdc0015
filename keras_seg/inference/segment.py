"""Segmentation of one image of any size, in bounded memory."""

import numpy as np

import keras_seg_runtime
from keras_seg.inference.inference_model import InferenceModel
from keras_seg_runtime.labels.window_size import OVERLAP


def segment(
    model,
    image,
    tile=None,
    overlap=OVERLAP,
    threshold=None,
    max_pixels_at_once=None,
    long_side=None,
) -> np.ndarray:
    """Predicts the class of every pixel of one image, at the image's own size.

    An image larger than `long_side` is downscaled for the model. A large image is cut
    into overlapping tiles, whose logits are blended. The code is that of
    `keras_seg_runtime.segment`, which exported files use as well.

    A model may be used by several threads at once, but not while it is trained. On
    JAX, images of many sizes share a few compiled programs if all layers can leave out
    padding, as those of the three methods on convolutional backbones can. Else sizes
    that the model resizes to the same multiple of 32 pixels share one; a `long_side`
    keeps their number small.

    Args:
        model: Keras model from uint8 images `(B, H, W, 3)` to logits `(B, H, W, K)`,
            with attributes `num_classes` and `ignore_class`, and optionally
            `input_scale` and `long_side`.
        image: Path of an image file, a Pillow image, or an array: `(H, W, 3)`, grey
            `(H, W)` or `(H, W, 1)`, or RGBA `(H, W, 4)`; values are 0..255, of an
            integer or a floating point type.
        tile, overlap, threshold, max_pixels_at_once, long_side: See
            `keras_seg_runtime.segment`.

    Returns:
        NumPy array `(H, W)`: uint8 where all ids fit, else int32.

    Raises:
        ValueError: If the image cannot be read or has an unsupported shape, type or
            range, if an option is out of range, or if the model's output has another
            shape or NaN.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.inference import segment

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    model.num_classes, model.ignore_class = 4, 255
    labels = segment(model, np.zeros((300, 500, 3), "uint8"), long_side=100)
    print(labels.shape)  # (300, 500)
    ```
    """
    return keras_seg_runtime.segment(
        InferenceModel.of(model),
        image,
        tile,
        overlap,
        threshold,
        max_pixels_at_once,
        long_side,
    )
