"""Downscaling gives the pixels of OpenCV, which the runtime does not need."""

import cv2
import numpy as np
import pytest
from fake_model import random_image

from keras_seg_runtime.labels.area_mean import area_mean

pytestmark = pytest.mark.no_backend


@pytest.mark.parametrize(
    ("size", "new"),
    [
        ((300, 400), (48, 64)),
        ((300, 401), (75, 100)),
        ((333, 500), (222, 333)),
        ((128, 96), (64, 48)),  # OpenCV rounds this ratio in another way
        ((96, 96), (24, 24)),
        ((999, 7), (500, 3)),
        ((5, 300), (1, 64)),
        ((7, 9), (7, 5)),
        ((40, 50), (1, 1)),
    ],
    ids=str,
)
def test_it_is_that_of_opencv(size, new):
    image = random_image(*size)
    expected = cv2.resize(image, new[::-1], interpolation=cv2.INTER_AREA)
    actual = area_mean(image, *new)
    assert actual.shape == (*new, 3) and actual.dtype == np.uint8
    different = np.abs(actual.astype(int) - expected)
    assert different.max() <= 1
    assert (different > 0).mean() < 0.002
