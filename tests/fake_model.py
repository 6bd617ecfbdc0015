"""A tiny segmentation model whose answers are known."""

import keras
import numpy as np

CLASS_NAMES = ["dark", "red", "green"]
PALETTE = [[40, 40, 200], [220, 60, 60], [60, 180, 75]]


def fake_model():
    """Class 1 where red is over 100, class 2 where green is more so, else 0."""
    inputs = keras.Input((None, None, 3))
    logits = keras.layers.Conv2D(3, 1, name="logits")(inputs)
    model = keras.Model(inputs, logits)
    kernel = np.zeros((1, 1, 3, 3), "float32")
    kernel[0, 0, 0, 1] = kernel[0, 0, 1, 2] = 0.1
    model.get_layer("logits").set_weights([kernel, np.array([10.0, 0.0, 0.0])])
    model.num_classes, model.ignore_class = 3, 255
    model.class_names, model.palette = CLASS_NAMES, PALETTE
    return model


def fake_labels(image):
    """What `fake_model` answers for a uint8 image `(H, W, 3)`."""
    dark = np.full(image.shape[:2], 100)
    return np.argmax(np.stack([dark, image[..., 0], image[..., 1]]), axis=0)
