"""Image and label get one geometry, and void fills every gap."""

import numpy as np
import pytest

from keras_seg.data import PhotometricDistortion, TrainAugmentation

pytestmark = pytest.mark.no_backend

PALETTE = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], "uint8")


def blocks(height=60, width=80, side=10, seed=0):
    """A label map of square blocks of the classes 0 to 3, and its picture."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 4, (height // side, width // side), dtype="uint8")
    label = small.repeat(side, 0).repeat(side, 1)
    return PALETTE[label], label


def away_from_edges(label, margin=2):
    """Pixels whose whole neighbourhood holds one id."""
    same = np.ones(label.shape, bool)
    for dy in range(-margin, margin + 1):
        for dx in range(-margin, margin + 1):
            same &= np.roll(label, (dy, dx), (0, 1)) == label
    same[:margin] = same[-margin:] = same[:, :margin] = same[:, -margin:] = False
    return same


@pytest.mark.parametrize("base_scale, rotation", [(1.0, 0), (2.0, 0), (1.0, 40)])
@pytest.mark.parametrize("seed", range(8))
def test_label_coloured_image_equals_its_mask(seed, base_scale, rotation):
    image, label = blocks()
    augment = TrainAugmentation(
        (50, 70), photometric=False, base_scale=base_scale, rotation=rotation
    )
    image, label = augment(image, label, np.random.default_rng(seed))
    assert image.shape == (50, 70, 3) and image.dtype == np.uint8
    assert label.shape == (50, 70) and label.dtype == np.uint8
    valid = label != 255
    inner = away_from_edges(label) & valid
    assert inner.sum() > 100
    np.testing.assert_array_equal(image[inner], PALETTE[label[inner]])
    # The nearest colour is the label's but for ties on the very edge: a shift of
    # one pixel would break far more.
    distance = np.abs(image[..., None, :].astype(int) - PALETTE).sum(-1)  # (h, w, 4)
    assert (distance.argmin(-1) == label)[valid].mean() > 0.97
    assert (image[~valid] == 127).all()


def test_rotation_turns_about_the_centre_of_the_window():
    label = np.zeros((61, 61), "uint8")
    label[30] = 1  # a line through the centre
    label[:, 60] = 2
    image = PALETTE[label]
    augment = TrainAugmentation(
        (61, 61),
        (1, 1),
        max_class_share=1.0,
        flip=False,
        photometric=False,
        rotation=30,
    )
    angles, gaps = [], 0
    for seed in range(20):
        crop, turned = augment(image, label, np.random.default_rng(seed))
        assert turned[30, 30] == 1 and (crop[30, 30] == PALETTE[1]).all()
        assert (crop[turned == 255] == 127).all()
        gaps += (turned == 255).any()
        rows, columns = np.nonzero(turned == 1)
        angles.append(np.rad2deg(np.arctan(np.polyfit(columns, rows, 1)[0])))
    assert -31 < min(angles) < -15 and 15 < max(angles) < 31
    assert gaps >= 15  # the corners, but for the smallest angles


@pytest.mark.parametrize("seed", range(5))
def test_without_rotation_a_seed_draws_scale_flip_and_corner_alone(seed):
    image, label = blocks(height=90, width=120)
    augment = TrainAugmentation((30, 40), max_class_share=1.0, photometric=False)
    _, crop = augment(image, label, np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    scale, flip = rng.uniform(0.5, 2.0), rng.random() < 0.5
    rows, columns = (
        (np.arange(size) + rng.integers(0, round(full * scale) - size + 1) + 0.5)
        / scale
        for size, full in ((30, 90), (40, 120))
    )
    rows, columns = (
        np.minimum(x.astype(int), full - 1) for x, full in ((rows, 90), (columns, 120))
    )
    expected = label[rows][:, columns]
    np.testing.assert_array_equal(crop, expected[:, ::-1] if flip else expected)


def test_scale_one_cuts_without_change():
    image, label = blocks(side=1)
    augment = TrainAugmentation((20, 30), (1, 1), 1.0, False, False)
    crop, label_crop = augment(image, label, np.random.default_rng(3))
    windows = np.lib.stride_tricks.sliding_window_view(label, (20, 30))
    places = np.argwhere((windows == label_crop).all((2, 3)))
    assert len(places) == 1
    top, left = places[0]
    np.testing.assert_array_equal(crop, image[top : top + 20, left : left + 30])


def test_flip_mirrors_both():
    image, label = blocks()
    augment = TrainAugmentation((60, 80), (1, 1), 1.0, True, False)
    mirrored = 0
    for seed in range(20):
        crop, label_crop = augment(image, label, np.random.default_rng(seed))
        np.testing.assert_array_equal(crop, PALETTE[label_crop])
        if (label_crop == label[:, ::-1]).all():
            mirrored += 1
        else:
            np.testing.assert_array_equal(label_crop, label)
    assert 3 < mirrored < 17


def test_void_fills_gaps_and_never_class_0():
    image = np.full((20, 20, 3), 9, "uint8")
    label = np.full((20, 20), 3, "uint8")
    augment = TrainAugmentation((50, 60), (0.5, 2.0), 1.0, photometric=False)
    for seed in range(10):
        crop, label_crop = augment(image, label, np.random.default_rng(seed))
        assert set(np.unique(label_crop)) == {3, 255}
        assert (crop[label_crop == 3] == 9).all()
        assert (crop[label_crop == 255] == 127).all()


def test_strong_shrinking_averages_pixels():
    image = np.zeros((160, 160, 3), "uint8")
    image[::8] = 200  # one line in eight: bilinear samples would miss or keep it
    label = np.zeros((160, 160), "uint8")
    augment = TrainAugmentation((20, 20), (0.125, 0.125), 1.0, False, False)
    crop, label_crop = augment(image, label, np.random.default_rng(0))
    assert (label_crop == 0).all()
    assert abs(crop.mean() - 25) < 5 and crop.max() < 60


def test_the_cap_avoids_crops_of_one_class():
    image = np.zeros((60, 200, 3), "uint8")
    label = np.zeros((60, 200), "uint8")
    label[:, 150:] = 1

    def largest_shares(cap):
        augment = TrainAugmentation((60, 60), (1, 1), cap, photometric=False)
        for seed in range(30):
            _, crop = augment(image, label, np.random.default_rng(seed))
            yield np.bincount(crop.ravel()).max() / crop.size

    assert sum(share > 0.75 for share in largest_shares(1.0)) > 10
    assert sum(share > 0.75 for share in largest_shares(0.75)) <= 5


def test_focus_finds_rare_classes():
    image = np.zeros((200, 200, 3), "uint8")
    label = np.zeros((200, 200), "uint8")
    label[3, 190] = 2
    augment = TrainAugmentation(
        (20, 30), max_class_share=1.0, focus_classes=(1, 2), focus_probability=1.0
    )
    found = [
        (augment(image, label, np.random.default_rng(seed))[1] == 2).any()
        for seed in range(20)
    ]
    assert sum(found) >= 17  # a lone pixel can vanish where the image shrinks


def test_everything_follows_from_the_generator():
    image, label = blocks()
    augment = TrainAugmentation((30, 30))
    first, again, other = (
        augment(image, label, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()


def test_inputs_are_not_written_to():
    image, label = blocks()
    before = image.copy(), label.copy()
    for seed in range(5):
        TrainAugmentation((90, 90))(image, label, np.random.default_rng(seed))
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(label, before[1])


def test_one_pixel_and_all_void():
    augment = TrainAugmentation((8, 8))
    image, label = np.full((1, 1, 3), 7, "uint8"), np.full((1, 1), 255, "uint8")
    for seed in range(5):
        crop, label_crop = augment(image, label, np.random.default_rng(seed))
        assert crop.shape == (8, 8, 3) and (label_crop == 255).all()


def test_labels_may_be_int32_with_negative_void():
    image, label = blocks()
    augment = TrainAugmentation((90, 90), (1, 1), ignore_class=-1)
    _, crop = augment(image, label.astype("int32"), np.random.default_rng(0))
    assert crop.dtype == np.int32 and set(np.unique(crop)) == {-1, 0, 1, 2, 3}


@pytest.mark.parametrize(
    "arguments",
    [
        {"crop_size": (0, 8)},
        {"crop_size": (8, 8, 3)},
        {"scale_range": (2.0, 0.5)},
        {"base_scale": 0},
        {"max_class_share": 0},
        {"rotation": -1},
        {"rotation": 181},
    ],
)
def test_bad_arguments(arguments):
    name = next(iter(arguments))
    with pytest.raises(ValueError, match=f"`{name}` must be.*Received"):
        TrainAugmentation(**{"crop_size": (8, 8), **arguments})


def test_bad_inputs():
    augment = TrainAugmentation((8, 8))
    image, label = blocks()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="uint8"):
        augment(image / 255.0, label, rng)
    with pytest.raises(ValueError, match="height and width"):
        augment(image, label[:-1], rng)


def test_photometric_distortion_steps():
    image = np.full((4, 4, 3), (200, 100, 50), "uint8")

    def results(**arguments):
        off = dict(brightness=0, contrast=(1, 1), saturation=(1, 1), hue=0)
        distort = PhotometricDistortion(**{**off, **arguments})
        return [distort(image, np.random.default_rng(seed)) for seed in range(40)]

    for result in results():
        np.testing.assert_allclose(result, image, atol=2)  # bytes of HSV round
    shifts = [r[0, 0].astype(int) - image[0, 0] for r in results(brightness=32)]
    assert min(s.min() for s in shifts) < -15 and max(s.max() for s in shifts) > 15
    assert max(abs(s).max() for s in shifts) <= 33
    ratios = [r[0, 0, 1] / 100 for r in results(contrast=(0.5, 1.5))]
    assert 0.49 < min(ratios) < 0.8 and 1.2 < max(ratios) < 1.51
    spans = [int(np.ptp(r[0, 0])) for r in results(saturation=(0.5, 1.5))]
    assert min(spans) < 110 and max(spans) > 180
    for result in results(hue=36):
        assert abs(int(result.max()) - 200) <= 1  # the value stays
    hues = {tuple(r[0, 0] > 110) for r in results(hue=180)}
    assert len(hues) > 2  # the strongest channel changes
    powers = [np.log(r[0, 0, 1] / 255) / np.log(100 / 255) for r in results(gamma=2.0)]
    assert 0.45 < min(powers) < 0.7 and 1.4 < max(powers) < 2.1
    assert sum(abs(power - 1) < 0.05 for power in powers) >= 10  # half of the time


def test_blur_takes_place_with_its_probability():
    image = np.zeros((9, 9, 3), "uint8")
    image[4, 4] = 255
    off = dict(brightness=0, contrast=(1, 1), saturation=(1, 1), hue=0)
    distort = PhotometricDistortion(**off, blur=0.3)
    peaks = [distort(image, np.random.default_rng(i))[4, 4, 0] for i in range(100)]
    assert 15 <= sum(peak < 200 for peak in peaks) <= 45
    assert min(peaks) > 10  # the widest: 255 / (2 pi 1.5 ** 2) = 18


def test_colours_of_a_seed_do_not_depend_on_what_is_off():
    image, _ = blocks()
    first, second = (
        PhotometricDistortion(gamma=gamma)(image, np.random.default_rng(5))
        for gamma in (1.0, 1.0 + 1e-9)
    )
    np.testing.assert_allclose(first, second, atol=1)


@pytest.mark.parametrize("arguments", [{"gamma": 0.5}, {"blur": -0.1}, {"blur": 2}])
def test_bad_arguments_of_the_distortion(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`.*Received"):
        PhotometricDistortion(**arguments)


@pytest.mark.parametrize(
    "dtype, ignore_class, expected",
    [
        ("bool", 255, "uint8"),
        ("uint8", 255, "uint8"),
        ("int8", 255, "int32"),
        ("uint8", -1, "int32"),
        ("int8", -1, "int8"),
        ("uint16", 255, "uint16"),
        ("int64", -1, "int64"),
    ],
)
def test_padding_is_void_whatever_the_type(dtype, ignore_class, expected):
    label = (np.arange(400).reshape(20, 20) % 2).astype(dtype)
    image = np.zeros((20, 20, 3), "uint8")
    augment = TrainAugmentation((40, 40), (1, 1), ignore_class=ignore_class)
    _, crop = augment(image, label, np.random.default_rng(0))
    assert crop.dtype == expected
    ids, counts = np.unique(crop, return_counts=True)
    assert dict(zip(ids.tolist(), counts.tolist(), strict=True)) == {
        0: 200,
        1: 200,
        ignore_class: 1200,
    }


def test_labels_that_are_no_ids_are_refused():
    image = np.zeros((8, 8, 3), "uint8")
    with pytest.raises(ValueError, match="integers.*float32.*astype"):
        TrainAugmentation((8, 8))(
            image, np.zeros((8, 8), "float32"), np.random.default_rng(0)
        )
