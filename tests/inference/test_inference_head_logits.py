"""Labels from logits at the resolution of the head: those of upsampling all logits."""

import tracemalloc

import keras
import numpy as np
import pytest
from fake_model import numpy_model, random_image
from random_weights import set_random_weights
from small_models import small_model
from tiny_backbone import TinyBackbone
from tiny_segmenter import TinySegmenter

import keras_seg
from keras_seg.inference import (
    TestProtocol,
    predict_labels,
    segment,
    segment_by_protocol,
)
from keras_seg.inference import inference_model as home
from keras_seg.inference.mean_probabilities import mean_probabilities
from keras_seg.keras_internals import inference_function
from keras_seg.layers import ResizeToMatch, resize_bilinear
from keras_seg_runtime.labels.predict_logits import predict_logits
from keras_seg_runtime.labels.window_logits import WindowLogits

BACKEND = keras.config.backend()
FAMILIES = [("ecenet", "tiny"), ("cpt", "pixels"), ("sgr", "tiny")]


def smooth_image(height, width, seed=0):
    coarse = np.random.default_rng(seed).uniform(0, 255, (1, 5, 6, 3))
    image = resize_bilinear(coarse.astype("float32"), (height, width))
    return keras.ops.convert_to_numpy(image)[0].astype("uint8")


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda names: names[0])
def model(request):
    return small_model(*request.param)


@pytest.fixture(scope="module")
def ecenet():
    return small_model("ecenet", "tiny")


def plain_logits(model, images):
    return np.asarray(keras.Model.predict_on_batch(model, images), "float32")


def clear(logits, margin=1e-4):
    """Where the best class leads by more than rounding."""
    best = np.sort(logits, axis=-1)
    return best[..., -1] - best[..., -2] > margin


# --- equality -----------------------------------------------------------------------


@pytest.mark.parametrize("factor", [4, 3, 2.3])
@pytest.mark.parametrize("kind", ["random", "integers", "twins"])
def test_labels_equal_those_of_the_layer_that_resizes(kind, factor):
    logits = np.random.default_rng(0).normal(size=(1, 24, 31, 20)).astype("float32")
    if kind == "integers":  # many ties; those of other factors depend on rounding
        logits = np.round(logits)
        factor = 4 if factor == 3 else 2
    if kind == "twins":  # backends round equal channels differently
        logits[..., 10:] = logits[..., :10]
    size = round(24 * factor), round(31 * factor)
    full = keras.ops.convert_to_numpy(resize_bilinear(logits, size))[0]
    expected = np.argmax(full, axis=-1)
    labels = np.full(size, 77, "uint8")
    window = WindowLogits.of_window(logits[0], *size)
    window.write_labels(labels)
    np.testing.assert_allclose(window.upsample(), full, atol=1e-5)
    if kind == "integers":
        np.testing.assert_array_equal(labels, expected)
        return
    sure = clear(full[..., : 10 if kind == "twins" else None], 1e-5)
    assert sure.mean() > 0.999
    if kind == "twins":
        expected %= 10
    np.testing.assert_array_equal(labels[sure], expected[sure])


@pytest.mark.parametrize("size", [(40, 70), (33, 97)])
def test_labels_of_a_model_equal_the_argmax_of_its_logits(model, size):
    image = smooth_image(*size)
    logits = plain_logits(model, image[None])[0]
    sure = clear(logits)
    assert sure.mean() > 0.98 and len(np.unique(logits.argmax(-1))) > 1
    labels = segment(model, image)
    np.testing.assert_array_equal(labels[sure], logits.argmax(-1)[sure])
    probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    best = probability.max(axis=-1)
    threshold = float(np.median(best))
    labels = segment(model, image, threshold=threshold)
    sure = np.abs(best - threshold) > 0.0011
    np.testing.assert_array_equal(labels[sure] == 255, (best < threshold)[sure])


def test_logits_of_a_window_are_those_of_the_model(ecenet):
    image = random_image(41, 50)
    window = predict_logits(home.InferenceModel.of(ecenet), image)
    assert window.logits.shape == (16, 24, 5)
    expected = plain_logits(ecenet, image[None])[0]
    np.testing.assert_allclose(window.upsample(), expected, atol=1e-4)
    part = window.part(3, 17, 20, 50).upsample()
    np.testing.assert_allclose(part, expected[3:17, 20:50], atol=1e-4)


def as_function(model):
    """The same model without `head_logits`."""
    return numpy_model(lambda patch: plain_logits(model, patch[None])[0], 5)


@pytest.mark.parametrize(
    "protocol",
    [
        TestProtocol("slide", window=48, stride=40),
        TestProtocol("slide", window=48, stride=20),
        TestProtocol(resize=(90, 60)),
        TestProtocol("slide", window=48, stride=33, scales=(0.75, 1.0), flip=True),
    ],
    ids=["slide", "overlap", "resize", "scales"],
)
@pytest.mark.skipif(BACKEND == "jax", reason="compiles a program for each window")
def test_protocols_give_what_they_give_with_all_logits(ecenet, protocol):
    image = smooth_image(72, 93)
    expected = mean_probabilities(as_function(ecenet), image, protocol)
    actual = mean_probabilities(ecenet, image, protocol)
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    sure = clear(expected)
    assert sure.mean() > 0.97
    labels = segment_by_protocol(ecenet, image, protocol)
    np.testing.assert_array_equal(labels[sure], expected.argmax(-1)[sure])


@pytest.mark.skipif(BACKEND == "jax", reason="compiles a program for each window")
@pytest.mark.parametrize("options", [{"tile": 40}, {"long_side": 60}, {"tile": 64}])
def test_tiles_and_downscaled_images(ecenet, options):
    image = smooth_image(90, 140)
    expected = segment(as_function(ecenet), image, **options)
    labels = segment(ecenet, image, **options)
    assert len(np.unique(labels)) > 1
    assert (labels != expected).mean() < 1e-3  # ties are rounded differently


def test_models_that_know_some_classes():
    model = keras_seg.ECENet(TinyBackbone(), 9, hidden_dim=8, classes_learned=[2, 7, 4])
    set_random_weights(model.head, seed=1)
    image = smooth_image(40, 64)
    logits = plain_logits(model, image[None])[0]
    labels, sure = segment(model, image), clear(logits)
    assert set(np.unique(labels)) <= {2, 4, 7}
    np.testing.assert_array_equal(labels[sure], logits.argmax(-1)[sure])


class Flipped(TinySegmenter):
    def call(self, inputs, training=None, mask=None):
        logits = super().call(inputs, training)
        return logits if training else keras.ops.flip(logits, axis=-1)


def test_a_subclass_with_its_own_call_decides():
    plain, flipped = TinySegmenter(), Flipped()
    flipped.set_weights(plain.get_weights())
    assert plain.head_logits is not None and flipped.head_logits is None
    image = random_image(32, 64)
    first, second = (segment(model, image) for model in (plain, flipped))
    assert (first != second).any()
    expected = plain_logits(flipped, image[None])[0].argmax(-1)
    np.testing.assert_array_equal(second, expected)


def test_weights_that_are_damaged_are_named():
    model = TinySegmenter()
    model.head.classifier.bias.assign([0.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="NaN logits"):
        model.predict_labels(random_image(32, 32)[None])
    with pytest.raises(ValueError, match="training=True"):
        model.head_logits(np.zeros((1, 32, 32, 3)), training=True)


# --- batches ------------------------------------------------------------------------


def test_labels_of_a_batch_are_those_of_segment(model, monkeypatch):
    images = np.stack([smooth_image(40, 52, seed) for seed in range(7)])
    shapes = []

    def note(network, batch):
        shapes.append(batch.shape)
        return inference_function.run_inference(network, batch)

    monkeypatch.setattr(home, "run_inference", note)
    labels = model.predict_labels(images, batch_size=4)
    assert [shape[0] for shape in shapes] == [4, 2, 1]
    assert labels.shape == (7, 40, 52) and labels.dtype == np.uint8
    logits = plain_logits(model, images)
    sure = clear(logits)
    assert sure.mean() > 0.98
    np.testing.assert_array_equal(labels[sure], logits.argmax(-1)[sure])
    first = model.predict_labels(images[0])
    np.testing.assert_array_equal(first, segment(model, images[0]))


def test_images_of_several_sizes():
    seen = []

    def predict_on_batch(images):
        seen.append(images.shape[:3])
        return images.astype("float32")

    model = numpy_model(None, 3)
    model.predict_on_batch = predict_on_batch
    images = [random_image(*size) for size in [(40, 50)] * 3 + [(60, 45)] * 2]
    labels = predict_labels(model, images, batch_size=2)
    assert seen == [(2, 40, 50), (1, 40, 50), (2, 60, 45)]
    for image, label in zip(images, labels, strict=True):
        np.testing.assert_array_equal(label, np.argmax(image, axis=-1))
    seen.clear()
    labels = predict_labels(model, images, long_side=35, threshold=0.0)
    assert seen == [(2, 32, 35), (1, 32, 35), (2, 35, 32)]
    for image, label in zip(images, labels, strict=True):
        expected = segment(model, image, long_side=35)
        np.testing.assert_array_equal(label, expected)


def test_large_images_of_a_batch_are_cut(monkeypatch):
    monkeypatch.setattr("keras_seg_runtime.labels.window_size.MAX_WINDOW_PIXELS", 3000)
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    images = np.stack([random_image(60, 70, seed) for seed in range(2)])
    np.testing.assert_array_equal(predict_labels(model, images), np.argmax(images, -1))
    assert all(shape[0] == 1 and np.prod(shape[1:3]) <= 3000 for shape in model.seen)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((0, 8, 8, 3), "uint8"), {}, "no image"),
        (np.zeros((1, 8, 8, 3), "uint8"), {"batch_size": 0}, "`batch_size`"),
        (np.zeros((1, 8, 8, 3), "uint8"), {"threshold": 2}, "`threshold`"),
        (np.zeros((2, 8, 8, 3), "uint8"), {"long_side": -2}, "`long_side`"),
        (np.full((1, 8, 8, 3), 0.5), {}, "multiply by 255"),
        (np.zeros(5, "uint8"), {}, r"shape \(5,\)"),
    ],
)
def test_invalid_batches_are_rejected(images, options, message):
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    with pytest.raises(ValueError, match=message):
        predict_labels(model, images, **options)


# --- what is not computed -----------------------------------------------------------


def test_logits_are_not_resized_to_the_image(monkeypatch):
    model = small_model("ecenet", "tiny")

    def refuse(*args, **kwargs):
        raise RuntimeError("logits of the size of the image")

    monkeypatch.setattr(ResizeToMatch, "call", refuse)
    monkeypatch.setattr(type(model), "_resize_logits", refuse)
    image = random_image(40, 64)
    model.segment(image)
    model.segment(image, threshold=0.5)
    model.predict_labels(np.stack([image] * 3))
    segment_by_protocol(model, image, TestProtocol("slide", window=32, stride=24))
    keras_seg.inference.evaluate(model, [(image, np.zeros((40, 64), "uint8"))])
    with pytest.raises(Exception, match="logits of the size"):
        keras_seg.inference.predict.predict(model, image[None], verbose=0)


class HeadModel:
    """A model whose head has answered already."""

    num_classes, ignore_class, long_side = 150, 255, None

    def __init__(self, logits):
        self.logits = logits

    def predict_head_on_batch(self, images):
        return self.logits[None]


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_memory_of_the_labels(threshold):
    rng = np.random.default_rng(0)
    coarse = np.repeat(np.repeat(rng.integers(0, 150, (16, 16)), 8, 0), 8, 1)
    logits = 9 * np.eye(150, dtype="float32")[coarse]  # (128, 128, 150)
    logits += rng.normal(size=logits.shape).astype("float32")
    tracemalloc.start()
    try:
        labels = segment(
            HeadModel(logits), np.zeros((512, 512, 3), "uint8"), threshold=threshold
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 512 * 512 * 150 * 4 / 3  # 157 MB for all logits
    assert (labels[16::32, 16::32] == coarse[4::8, 4::8]).mean() > 0.95


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX compiles for each size")
def test_photos_of_many_sizes_need_few_compilations():
    model, rng = small_model("sgr", "tiny"), np.random.default_rng(0)
    for size in rng.integers(20, 161, (60, 2)):
        assert model.segment(random_image(*size)).shape == tuple(size)
    assert inference_function._functions[model.head_logits].compilations <= 6
