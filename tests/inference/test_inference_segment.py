import tracemalloc

import numpy as np
import pytest
from fake_model import fake_labels, fake_model, numpy_model, random_image
from PIL import Image

from keras_seg.inference import segment
from keras_seg_runtime.labels import window_size
from keras_seg_runtime.labels.window_axis import WindowAxis, window_for


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 7), (5, 3), (33, 47), (20000, 10), (10, 20000)]
)
def test_any_size(model, size):
    image = random_image(*size)
    labels = segment(model, image)
    assert labels.shape == size and labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, fake_labels(image))


@pytest.mark.parametrize("size", [(64, 64), (100, 37), (37, 100), (131, 97)])
@pytest.mark.parametrize("overlap", [0, 0.125, 0.5])
def test_tiles_give_the_labels_of_the_whole(model, size, overlap):
    image = random_image(*size)
    labels = segment(model, image, tile=(32, 40), overlap=overlap)
    np.testing.assert_array_equal(labels, fake_labels(image))


@pytest.mark.no_backend
def test_image_up_to_a_tile_is_not_cut():
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    segment(model, random_image(40, 50), tile=(40, 50))
    segment(model, random_image(40, 50), max_pixels_at_once=2000)
    assert model.seen == [(1, 40, 50, 3)] * 2


@pytest.mark.no_backend
def test_small_sides_are_extended_by_their_edge():
    shown = []

    def answer(patch):
        shown.append(patch)
        return patch.astype("float32")

    image = random_image(5, 50)
    labels = segment(numpy_model(answer, 3), image)
    np.testing.assert_array_equal(labels, np.argmax(image, axis=-1))
    assert shown[0].shape == (32, 50, 3)
    np.testing.assert_array_equal(shown[0][:5], image)
    assert (shown[0][5:] == image[4]).all()


@pytest.mark.no_backend
def test_tiles_stay_within_the_limit_and_have_one_shape():
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    image = random_image(301, 203)
    labels = segment(model, image, max_pixels_at_once=3000)
    np.testing.assert_array_equal(labels, np.argmax(image, axis=-1))
    assert len(set(model.seen)) == 1
    assert np.prod(model.seen[0]) <= 3000 * 3
    assert len(model.seen) < 2 * 301 * 203 / 3000 + 10


@pytest.mark.no_backend
def test_overlapping_logits_are_blended():
    # The first tile answers class 0 with 1, the second class 1 with 3: where the
    # weights are w and 1 - w, class 1 wins as soon as 3 (1 - w) > w, w < 3/4.
    answers = iter([[1.0, 0.0], [0.0, 3.0]])

    def answer(patch):
        return np.broadcast_to(np.float32(next(answers)), (*patch.shape[:2], 2))

    labels = segment(
        numpy_model(answer, 2), random_image(1, 150), tile=(1, 100), overlap=0.4
    )
    # Tiles [0, 100) and [50, 150) share 50, the fade is [55, 95): w = 3/4 at 65.
    np.testing.assert_array_equal(labels[0], np.arange(150) >= 65)


@pytest.mark.no_backend
def test_memory_stays_far_below_the_logits_of_the_image():
    eye = np.eye(50, dtype="float32")
    model = numpy_model(lambda patch: eye[patch[..., 0] % 50], 50)
    image = random_image(800, 1000)
    tracemalloc.start()
    try:
        segment(model, image, max_pixels_at_once=10_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 800 * 1000 * 50 * 4 / 8  # 160 MB for all logits


@pytest.mark.no_backend
@pytest.mark.parametrize("size", [1, 2, 3, 10, 99, 100, 101, 151, 1000])
@pytest.mark.parametrize("tile", [1, 2, 7, 100])
@pytest.mark.parametrize("overlap", [0, 0.125, 0.3, 0.5])
def test_tiles_of_an_axis_cover_each_pixel_with_weight_one(size, tile, overlap):
    total = np.zeros(size)
    for window in WindowAxis.blended(size, tile, overlap).windows:
        assert 0 <= window.start <= window.first < window.last <= window.stop <= size
        assert window.first <= window.settled <= window.last
        assert window.stop - window.start == min(tile, size)
        weight = window.weight
        total[window.first : window.last] += 1 if weight is None else weight
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "size", [(1, 10**7), (10**7, 1), (3000, 4000), (1415, 1415), (10_000, 900)]
)
def test_automatic_tiles_fit_the_budget(size):
    tile = window_for(*size, overlap=0.125, max_pixels=2_000_000)
    assert 1 <= tile[0] <= size[0] and 1 <= tile[1] <= size[1]
    assert tile[0] * tile[1] <= 2_000_000


def test_threshold_makes_uncertain_pixels_void(model):
    image = np.array([[[100, 0, 0], [250, 0, 0]]], "uint8")  # a tie and a clear case
    assert segment(model, image, threshold=0.9).tolist() == [[255, 1]]
    assert segment(model, image, threshold=0.4).tolist() == [[0, 1]]


@pytest.mark.no_backend
@pytest.mark.parametrize(
    ("num_classes", "ignore_class", "dtype"),
    [(256, 255, "uint8"), (257, 255, "int32"), (3, -1, "int32"), (3, None, "uint8")],
)
def test_labels_have_a_type_that_holds_every_id(num_classes, ignore_class, dtype):
    last = np.eye(num_classes, dtype="float32")[-1]
    model = numpy_model(
        lambda patch: np.broadcast_to(last, (*patch.shape[:2], num_classes)),
        num_classes,
        ignore_class,
    )
    labels = segment(model, random_image(2, 3))
    assert labels.dtype == dtype and (labels == num_classes - 1).all()


def test_every_kind_of_image(model, tmp_path):
    image = random_image(6, 9)
    Image.fromarray(image).save(tmp_path / "photo.png")
    expected = fake_labels(image)
    for given in (
        tmp_path / "photo.png",
        str(tmp_path / "photo.png"),
        Image.fromarray(image),
        image.astype("int64"),
        image.astype("float32"),
        np.dstack([image, np.full((6, 9), 255, "uint8")]),
        image.tolist(),
        image[:, ::-1][:, ::-1],
    ):
        np.testing.assert_array_equal(segment(model, given), expected)
    grey = np.array([[0, 200]], "uint8")
    for given in (grey, grey[..., None], Image.fromarray(grey)):
        np.testing.assert_array_equal(segment(model, given), [[0, 1]])


@pytest.mark.no_backend
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 3, 4, 3), "uint8"), r"images\[0\]"),
        (np.zeros((3, 20, 20), "uint8"), "moveaxis"),
        (np.zeros((20, 20, 2), "uint8"), r"shape \(20, 20, 2\)"),
        (np.zeros((0, 5, 3), "uint8"), "empty"),
        (np.zeros(5, "uint8"), r"shape \(5,\)"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4, 3), np.inf), "infinite"),
        (np.full((4, 4, 3), 0.5), "multiply by 255"),
        (np.full((4, 4, 3), -1.0), "before it is normalised"),
        (np.full((4, 4), 5000, "uint16"), "257"),
        (np.full((4, 4), 300), "0..255"),
        (np.zeros((4, 4), bool), "bool"),
        (np.zeros((4, 4, 3), complex), "complex"),
        (None, "NoneType"),
        ({"image": 1}, "dict"),
        ("nowhere.jpg", "nowhere.jpg"),
    ],
)
def test_invalid_images_are_rejected(model, image, message):
    with pytest.raises(ValueError, match=message):
        segment(model, image)


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "options",
    [
        {"overlap": 0.6},
        {"overlap": -0.1},
        {"threshold": 2},
        {"max_pixels_at_once": 0},
        {"tile": 0},
        {"tile": (3, 4, 5)},
        {"tile": 1.5},
        {"tile": "64"},
    ],
)
def test_options_out_of_range_are_named(model, options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}`"):
        segment(model, random_image(4, 4), **options)


@pytest.mark.no_backend
def test_output_that_is_not_logits_is_rejected():
    quarter = numpy_model(lambda patch: patch[::4, ::4].astype("float32"), 3)
    with pytest.raises(ValueError, match=r"\(1, 10, 10, 3\).*\(1, 40, 40, 3\)"):
        segment(quarter, random_image(40, 40))
    broken = numpy_model(lambda patch: np.full(patch.shape, np.nan), 3)
    with pytest.raises(ValueError, match="NaN logits"):
        segment(broken, random_image(8, 8))


@pytest.mark.no_backend
def test_a_model_that_enlarges_gets_smaller_tiles(monkeypatch):
    monkeypatch.setattr(window_size, "MAX_WINDOW_PIXELS", 40_000)
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    segment(model, random_image(100, 400))
    assert model.seen.pop() == (1, 100, 400, 3)
    model.input_scale = 2.0
    segment(model, random_image(100, 400))
    assert all(shape[1] * shape[2] <= 10_000 for shape in model.seen)


@pytest.mark.no_backend
def test_a_model_of_many_classes_gets_smaller_tiles(monkeypatch):
    monkeypatch.setattr(window_size, "MAX_WINDOW_LOGITS", 400_000)
    for num_classes, most in [(10, 40_000), (40, 10_000)]:
        answer = np.zeros((100, 400, num_classes), "float32")
        model = numpy_model(
            lambda patch, x=answer: x[: len(patch), : patch.shape[1]], num_classes
        )
        segment(model, random_image(100, 400))
        assert max(shape[1] * shape[2] for shape in model.seen) <= most
        assert (len(model.seen) == 1) == (num_classes == 10)
