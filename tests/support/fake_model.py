"""Tiny segmentation models whose answers are known."""

from types import SimpleNamespace

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


def random_image(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype="uint8")


def numpy_model(answer, num_classes, ignore_class=255):
    """A model that computes `answer(patch (h, w, 3)) -> (h, w, K)` and notes shapes."""
    seen = []

    def predict_on_batch(images):
        seen.append(images.shape)
        return answer(images[0])[None]

    return SimpleNamespace(
        predict_on_batch=predict_on_batch,
        num_classes=num_classes,
        ignore_class=ignore_class,
        seen=seen,
    )
