"""What `predict` and `predict_on_batch` take for a batch of images."""

import numpy as np
import pytest
from fake_model import random_image
from tiny_segmenter import TinySegmenter


@pytest.fixture(scope="module")
def model():
    return TinySegmenter()


def test_a_list_of_images_of_one_size_is_a_batch(model):
    images = [random_image(32, 32, seed) for seed in range(3)]
    expected = model.predict(np.stack(images), verbose=0)
    for batch in (images, [np.stack(images)], tuple(images)):
        np.testing.assert_array_equal(model.predict(batch, verbose=0), expected)
        np.testing.assert_allclose(model.predict_on_batch(batch), expected, atol=1e-4)


@pytest.mark.parametrize(
    "images, message",
    [
        ([np.zeros((32, 32, 3)), np.zeros((32, 40, 3))], "model.segment"),
        (["a.png", "b.png"], "model.segment"),
        ([], "list of 0"),
        (np.zeros((32, 32, 3)), r"image\[None\]"),
        (np.zeros((2, 32, 32)), "grey"),
        (np.zeros((2, 32, 32, 1)), "grey"),
        (np.zeros((2, 32, 32, 4)), "alpha"),
        (np.zeros((2, 3, 32, 32)), "channels last"),
        (np.zeros((2, 2, 32, 32, 3)), r"\(2, 2, 32, 32, 3\)"),
    ],
)
def test_anything_else_is_rejected_with_a_message(model, images, message):
    for predict in (model.predict, model.predict_on_batch):
        with pytest.raises(ValueError, match=message):
            predict(images)
