import tracemalloc

import numpy as np
import numpy_reference as reference
import pytest
from fake_model import fake_labels, fake_model, numpy_model, random_image

from keras_seg.inference import segment
from keras_seg_runtime.labels import bilinear_axis, group_argmax, upsampled_argmax
from keras_seg_runtime.labels.group_argmax import candidate_classes
from keras_seg_runtime.labels.longest_side import resize_longest_side
from keras_seg_runtime.labels.upsampled_argmax import UpsampledArgmax


def random_logits(height, width, num_classes, seed=0, scale=3.0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(height, width, num_classes)) * scale
    return logits.astype("float32")


def enlarged(logits, size):
    return reference.resize_bilinear(logits[None].astype("float64"), *size)[0]


def enlarge(logits, size, **options):
    labels = np.full(size, 254, "uint8")
    UpsampledArgmax(labels, logits.shape[:2], **options).add(0, 0, logits.copy())
    return labels


def candidates(logits, **options):
    """The classes that can be the argmax anywhere between the cells."""
    height, width, num_classes = logits.shape
    cells = np.arange(height * width).reshape(height, width)
    rows, columns = (np.minimum([0, 1], n - 1) for n in (height, width))
    corners = [
        cells[i : height + i - rows[1], j : width + j - columns[1]].ravel()
        for i in rows
        for j in columns
    ]
    flat = logits.reshape(-1, num_classes)
    _, classes = candidate_classes(
        flat, flat.argmax(-1), np.stack(corners, 1), **options
    )
    return np.unique(classes).tolist()


def clear_winner(logits):
    """Where the best class leads by more than rounding."""
    best = np.sort(logits, axis=-1)
    return best[..., -1] - best[..., -2] > 1e-4


# --- shrinking ----------------------------------------------------------------------


@pytest.mark.no_backend
@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((300, 400), 100, (75, 100)),
        ((400, 300), 100, (100, 75)),
        ((97, 143), 31, (21, 31)),
        ((1000, 3), 100, (100, 1)),
        ((3000, 4000), 384, (288, 384)),
    ],
)
def test_resize_longest_side_keeps_the_proportions(size, long_side, expected):
    assert resize_longest_side(np.zeros((*size, 3), "uint8"), long_side).shape == (
        *expected,
        3,
    )


@pytest.mark.no_backend
@pytest.mark.parametrize("long_side", [0, 60, 61, 1000])
def test_resize_longest_side_never_enlarges(long_side):
    image = random_image(40, 60)
    assert resize_longest_side(image, long_side) is image


@pytest.mark.no_backend
def test_resize_longest_side_takes_the_mean_of_the_area():
    image = random_image(60, 90)
    mean = image.reshape(20, 3, 30, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resize_longest_side(image, 30), mean, atol=0.51)


# --- labels -------------------------------------------------------------------------

SIZES = [
    ((97, 143), 31),
    ((150, 40), 149),
    ((40, 151), 32),
    ((100, 7), 50),
    ((1, 200), 64),
]


@pytest.mark.no_backend
@pytest.mark.parametrize(("size", "long_side"), SIZES)
@pytest.mark.parametrize("num_classes", [1, 2, 40])
def test_labels_are_those_of_the_enlarged_logits(size, long_side, num_classes):
    logits = random_logits(200, 200, num_classes)
    model = numpy_model(lambda p: logits[: p.shape[0], : p.shape[1]], num_classes)
    image = random_image(*size)
    labels = segment(model, image, long_side=long_side)
    assert labels.shape == size and labels.dtype == np.uint8
    height, width = resize_longest_side(image, long_side).shape[:2]
    assert model.seen == [(1, max(height, 32), max(width, 32), 3)]
    expected = enlarged(logits[:height, :width], size)
    if num_classes > 1:
        clear = clear_winner(expected)
        assert clear.mean() > 0.99
        expected = np.argmax(expected, axis=-1)
        np.testing.assert_array_equal(labels[clear], expected[clear])
    else:
        assert (labels == 0).all()


@pytest.mark.no_backend
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_threshold_uses_the_probability_of_the_enlarged_logits(threshold, scale):
    logits = random_logits(24, 36, 40, scale=scale)
    labels = enlarge(logits, (90, 135), threshold=threshold, ignore_class=255)
    probability = reference.softmax(enlarged(logits, (90, 135)), axis=-1)
    best, expected = probability.max(axis=-1), probability.argmax(axis=-1)
    clear = np.abs(best - threshold) > 0.0011
    assert clear.mean() > 0.97
    sure = best > threshold
    assert scale == 1.0 or 0.02 < sure.mean() < 0.98
    np.testing.assert_array_equal((labels != 255)[clear], sure[clear])
    kept = clear & sure & clear_winner(enlarged(logits, (90, 135)))
    np.testing.assert_array_equal(labels[kept], expected[kept])


@pytest.mark.no_backend
def test_a_class_can_be_the_argmax_between_corners_alone():
    logits = np.array([[[9, 0, 5, 1], [0, 9, 5, 1]]], "float32")
    assert candidates(logits) == [0, 1, 2]
    labels = enlarge(logits, (2, 60))
    assert set(labels[0, 28:32]) == {2} and set(labels.flat) == {0, 1, 2}


def test_candidates_are_few_where_the_picture_is_plain():
    logits = random_logits(20, 20, 150, scale=1.0)
    logits[:, :, 7] += 30
    assert candidates(logits) == [7]
    assert candidates(logits, with_probability=True) == [7]
    logits[:, :, 7] -= 30
    assert len(candidates(logits)) > 100


@pytest.mark.no_backend
def test_classes_that_cannot_be_the_argmax_are_excluded():
    logits = random_logits(20, 20, 150, scale=0.5)
    logits[:10, :, 7] += 20
    logits[10:, :, 9] += 20
    assert candidates(logits) == [7, 9]


@pytest.mark.parametrize("seed", range(5))
def test_every_argmax_is_a_candidate(seed):
    logits = random_logits(1, 1, 12, seed=seed, scale=1.0)
    logits = logits + random_logits(2, 2, 12, seed=seed + 10, scale=0.7)
    kept = candidates(logits)
    assert len(kept) < 12
    assert set(np.argmax(enlarged(logits, (40, 40)), axis=-1).flat) <= set(kept)


@pytest.mark.no_backend
def test_excluded_classes_may_be_minus_infinity():
    logits = random_logits(10, 10, 6)
    expected = enlarge(logits[:, :, :4], (35, 35))
    logits[:, :, 4:] = -np.inf
    for threshold in (None, 0.0):
        labels = enlarge(logits, (35, 35), threshold=threshold)
        np.testing.assert_array_equal(labels, expected)


# --- blocks -------------------------------------------------------------------------


@pytest.mark.no_backend
@pytest.mark.parametrize("threshold", [None, 0.6])
@pytest.mark.parametrize("values", [1, 300, 10_000])
@pytest.mark.parametrize("overhead", [-16, 0, 10**6])
def test_steps_of_any_size_give_the_same_labels(
    monkeypatch, values, overhead, threshold
):
    logits = random_logits(14, 21, 9)
    size = (35, 53) if values == 1 else (300, 450)
    expected = enlarge(logits, size, threshold=threshold)
    monkeypatch.setattr(group_argmax, "OVERHEAD", overhead)  # few classes, or all
    monkeypatch.setattr(upsampled_argmax, "MAX_COMPARED_VALUES", values)
    monkeypatch.setattr(group_argmax, "MAX_UPSAMPLED_VALUES", values)
    monkeypatch.setattr(bilinear_axis, "MAX_GROUP", 1 + values % 7)
    np.testing.assert_array_equal(enlarge(logits, size, threshold=threshold), expected)


@pytest.mark.no_backend
@pytest.mark.parametrize("rows", [[14], [1, 13], [5, 8, 1], [1] * 14])
@pytest.mark.parametrize("columns", [[21], [20, 1], [1, 1, 19], [7, 7, 7], [1] * 21])
def test_blocks_of_any_size_give_the_same_labels(rows, columns):
    logits = random_logits(14, 21, 9)
    expected = enlarge(logits, (50, 83))
    labels = np.full((50, 83), 254, "uint8")
    upsampled = UpsampledArgmax(labels, (14, 21))
    top = 0
    for height in rows:
        left = 0
        for width in columns:
            block = logits[top : top + height, left : left + width]
            upsampled.add(top, left, block.copy())
            left += width
        top += height
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.no_backend
def test_tiles_of_a_downscaled_image_have_no_seam():
    # Logits that depend on the pixel alone are the same in every tile.
    weights = random_logits(1, 3, 8, scale=0.1)[0]
    model = numpy_model(lambda patch: patch.astype("float32") @ weights, 8)
    image = random_image(190, 260)
    expected = segment(model, image, long_side=130)
    assert len(model.seen) == 1
    labels = segment(model, image, long_side=130, tile=(40, 50), overlap=0.25)
    assert len(model.seen) > 9
    assert (labels != expected).mean() < 1e-3  # the fading rounds


def test_a_keras_model_gets_the_downscaled_image():
    small = np.repeat(np.repeat(random_image(5, 8), 10, axis=0), 10, axis=1)
    image = np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)
    labels = segment(fake_model(), image, long_side=80)
    inner = (np.indices((200, 320)) % 40 >= 4).all(axis=0)
    inner &= (np.indices((200, 320)) % 40 < 36).all(axis=0)
    np.testing.assert_array_equal(labels[inner], fake_labels(image)[inner])


# --- options ------------------------------------------------------------------------


@pytest.mark.no_backend
def test_long_side_comes_from_the_model_unless_given():
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    image = random_image(60, 90)
    shown = []
    for value in (None, 45):
        model.long_side = value
        for options in ({}, {"long_side": 0}, {"long_side": 60}, {"long_side": 900}):
            segment(model, image, **options)
            shown.append(model.seen[-1][1:3])
    full = (60, 90)
    assert shown == [full, full, (40, 60), full, (32, 45), full, (40, 60), full]


@pytest.mark.no_backend
@pytest.mark.parametrize("long_side", [-1, 1.5, "384", True])
def test_long_side_must_be_a_size(long_side):
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    with pytest.raises(ValueError, match="`long_side`.*0 for the image's own size"):
        segment(model, random_image(4, 4), long_side=long_side)


@pytest.mark.no_backend
def test_threshold_needs_a_void_label():
    model = numpy_model(lambda patch: patch.astype("float32"), 3, ignore_class=None)
    with pytest.raises(ValueError, match="`threshold`.*ignore_class"):
        segment(model, random_image(4, 4), threshold=0.5)


# --- memory -------------------------------------------------------------------------


@pytest.mark.no_backend
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_memory_of_a_photo_of_12_megapixels_with_150_classes(threshold):
    rows, columns = np.indices((288, 384)) // 24  # 12 x 16 fields
    model = numpy_model(
        lambda patch: 60 * np.eye(150, dtype="float32")[(rows * 16 + columns) % 150],
        150,
    )
    image = np.zeros((3000, 4000, 3), "uint8")
    tracemalloc.start()
    try:
        labels = segment(model, image, long_side=384, threshold=threshold)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400e6  # all logits are 7.2 GB
    centres = np.s_[125::250, 125::250]
    fields = np.arange(192).reshape(12, 16) % 150
    np.testing.assert_array_equal(labels[centres], fields)


@pytest.mark.no_backend
def test_memory_where_every_class_may_be_the_argmax():
    logits = random_logits(75, 100, 150, scale=0.1)
    labels = np.empty((750, 1000), "uint8")
    upsampled = UpsampledArgmax(labels, (75, 100), threshold=0.5)
    tracemalloc.start()
    try:
        upsampled.add(0, 0, logits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200e6  # all logits are 450 MB
    assert (labels == 255).all()
