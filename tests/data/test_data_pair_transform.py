"""`transform=` of the training data: own functions, and pipelines of albumentations."""

import numpy as np
import pytest

from keras_seg.data import TrainAugmentation, training_dataset

pytestmark = pytest.mark.no_backend


class Source:
    """Images whose red channel is ten times the label."""

    num_classes, ignore_class = 4, 255

    def __len__(self):
        return 6

    def __getitem__(self, index):
        label = np.random.default_rng(index).integers(0, 4, (6, 8)).astype("uint8")
        label = label.repeat(8, axis=0).repeat(8, axis=1)
        image = np.stack([label * 10, label * 0 + index, label * 0], axis=-1)
        return image, label


def batches(transform, crop=None, **kwargs):
    return training_dataset(Source(), 2, crop, transform=transform, **kwargs)


def assert_paired(images, labels):
    known = labels != 255
    assert known.any()
    np.testing.assert_array_equal(images[..., 0][known], labels[known] * 10)


def flip(image, mask, rng):
    return (image[::-1], mask[::-1]) if rng.random() < 0.5 else (image, mask)


def test_a_function_of_a_pair_or_of_keywords():
    plain = [labels for _, labels in (batches(None)[i] for i in range(3))]
    turned = [
        batches(lambda image, mask: (image[::-1], mask[::-1]))[i] for i in range(3)
    ]
    named = batches(lambda **pair: {k: v[::-1] for k, v in pair.items()})
    for i, (images, labels) in enumerate(turned):
        np.testing.assert_array_equal(labels, plain[i][:, ::-1])
        np.testing.assert_array_equal(named[i][1], labels)
        assert_paired(images, labels)


def test_batches_with_rng_are_reproducible_and_differ_by_epoch():
    first, again = batches(flip), batches(flip, workers=0)
    for i in range(3):
        np.testing.assert_array_equal(first[i][0], again[i][0])
    mirrored = [batches(flip, initial_epoch=e)[0][0] for e in range(6)]
    assert len({x.tobytes() for x in mirrored}) > 1


def test_the_crop_comes_after_the_transform():
    crop = TrainAugmentation((16, 24), photometric=False, scale_range=(1, 1))
    images, labels = batches(lambda image, mask: (image[:40], mask[:40]), crop)[0]
    assert images.shape == (2, 16, 24, 3)
    assert_paired(images, labels)


def test_a_transform_cannot_change_the_cached_images():
    def blacken(image, mask):
        image[:], mask[:] = 0, 0
        return image, mask

    source = [Source()[i] for i in range(6)]
    training_dataset(source, 6, transform=blacken)[0]
    assert all(image.any() and label.any() for image, label in source)


@pytest.mark.parametrize(
    "made, message",
    [
        (lambda image, mask: image, "must return the pair"),
        (lambda image, mask: {"image": image}, r"with the keys \['image'\]"),
        (lambda image, mask: (image / 255, mask), "float64.*normalise"),
        (lambda image, mask: (image.transpose(2, 0, 1), mask), "height, width, 3"),
        (
            lambda image, mask: (image[:9], mask),
            r"\(9, 64\). Received: shape \(48, 64\)",
        ),
        (lambda image, mask: (image, mask / 2), "nearest"),
    ],
)
def test_what_is_wrong_with_the_result_is_said(made, message):
    with pytest.raises(ValueError, match=message):
        batches(made)[0]


def test_it_must_be_callable():
    with pytest.raises(TypeError, match="callable"):
        batches("flip")


def shifted(image, mask, fill):
    moved = np.full_like(mask, fill)
    moved[5:] = mask[:-5]
    return np.roll(image, 5, axis=0), moved


def test_filling_with_a_class_is_warned_about_once(caplog):
    dataset = batches(lambda image, mask: shifted(image, mask, 0))
    dataset[0], dataset[1]
    (record,) = [r for r in caplog.records if "transform" in r.getMessage()]
    assert "classes [0]" in record.getMessage() and "255" in record.getMessage()


def test_filling_with_void_is_fine(caplog):
    batches(lambda image, mask: shifted(image, mask, 255))[0]
    assert not caplog.records


def test_albumentations():
    albumentations = pytest.importorskip("albumentations")
    pipeline = albumentations.Compose(
        [
            albumentations.RandomRotate90(p=1),
            albumentations.Affine(rotate=(-30, 30), fill_mask=255, p=1),
            albumentations.RandomCrop(32, 32),
        ]
    )
    # Both datasets use the pipeline at the same time.
    first, again = batches(pipeline), batches(pipeline, workers=0)
    for i in range(3):
        images, labels = first[i]
        assert images.shape == (2, 32, 32, 3) and set(np.unique(labels)) <= {
            *range(4),
            255,
        }
        np.testing.assert_array_equal(images, again[i][0])
        np.testing.assert_array_equal(labels, again[i][1])
