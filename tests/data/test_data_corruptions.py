"""Corruptions are repeatable, grow with the severity, and keep labels."""

import numpy as np
import pytest

from keras_seg.data import CorruptedSource, corrupt_image
from keras_seg.data.corruptions import CORRUPTIONS
from keras_seg_cli import evaluate as command
from keras_seg_cli.main import main

pytestmark = pytest.mark.no_backend


def scene(height=72, width=96):
    """Regions, edges and texture, as a photo has them."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 2, columns * 2, 200 - rows], axis=-1)
    image[20:50, 30:70] = (220, 40, 30)
    image[:, ::12] //= 2
    return np.clip(image + rng.integers(0, 9, image.shape), 0, 255).astype("uint8")


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("size", [(72, 96), (33, 40), (1, 1)])
def test_shape_dtype_and_seed(name, size):
    image = scene(*size)
    before = image.copy()
    first = corrupt_image(image, name, 3, seed=4)
    assert first.shape == image.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, corrupt_image(image, name, 3, seed=4))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_distance_to_the_image_grows_with_the_severity(name):
    image = scene(360, 480)
    distances = [
        np.sqrt(np.mean((corrupt_image(image, name, n) - image.astype("float32")) ** 2))
        for n in range(1, 6)
    ]
    assert distances[0] > 2
    assert all(a < b for a, b in zip(distances, distances[1:], strict=False)), distances


@pytest.mark.parametrize("name", ["noise", "fog", "dark"])
def test_another_seed_gives_other_pixels(name):
    first, second = (corrupt_image(scene(), name, 3, seed=seed) for seed in (0, 1))
    assert (first != second).any()


def test_blur_is_as_strong_at_any_size():
    """The share of contrast that is left is about the same at twice the size."""
    small = scene(180, 240)
    large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    left = [corrupt_image(x, "blur", 5).std() / x.std() for x in (small, large)]
    assert left[0] == pytest.approx(left[1], rel=0.05)


def test_darkness_darkens_and_fog_brightens():
    image = scene()
    assert corrupt_image(image, "dark", 5).mean() < 0.2 * image.mean()
    assert corrupt_image(image, "fog", 5).mean() > image.mean() + 30
    assert corrupt_image(image, "fog", 5).std() < 0.6 * image.std()


@pytest.mark.parametrize(
    "image, name, severity, words",
    [
        (scene(), "rain", 1, "no corruption 'rain'.*'blur'"),
        (scene(), "blur", 0, "from 1 to 5.*severity=0"),
        (scene(), "blur", 6, "severity=6"),
        (scene(), "blur", True, "severity=True"),
        (scene() / 255.0, "blur", 1, "uint8.*float64.*as_rgb"),
        (scene()[..., 0], "blur", 1, r"\(72, 96\)"),
    ],
)
def test_what_cannot_be_corrupted_is_named(image, name, severity, words):
    with pytest.raises(ValueError, match=words):
        corrupt_image(image, name, severity)


def test_a_source_keeps_labels_and_attributes():
    class Pairs(list):
        num_classes = 3

    label = np.eye(72, 96, dtype="uint8")
    source = CorruptedSource(Pairs([(scene(), label)] * 2), "noise", 2)
    assert source.num_classes == 3 and len(source) == 2
    np.testing.assert_array_equal(source[0][1], label)
    for same in (np.int64(1), -1):
        np.testing.assert_array_equal(source[1][0], source[same][0])
    assert (source[0][0] != source[1][0]).any()  # each image has its own noise
    with pytest.raises(ValueError, match="no corruption"):
        CorruptedSource([], "rain", 1)


def test_the_command_knows_the_same_names(capsys):
    assert command.CORRUPTIONS == CORRUPTIONS
    words = "evaluate --data camvid --data-dir nowhere --severity 2"
    assert main(words.split()) == 2
    assert "--severity needs --corruption" in capsys.readouterr().err


def test_an_empty_image_stays_empty():
    empty = np.zeros((0, 4, 3), "uint8")
    assert corrupt_image(empty, "blur", 1).shape == (0, 4, 3)
