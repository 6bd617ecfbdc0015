"""Test protocols against plain loops over the whole image."""

import sys
import tracemalloc

import cv2
import keras
import numpy as np
import numpy_reference as reference
import pytest
from fake_model import numpy_model, random_image

from keras_seg.inference import TestProtocol, evaluate, segment_by_protocol
from keras_seg.inference.mean_probabilities import mean_probabilities
from keras_seg_runtime.labels.sliding_window import sliding_window
from keras_seg_runtime.labels.window_axis import WindowAxis

NUM_CLASSES = 4


@pytest.fixture(scope="module")
def model():
    """What it says of a pixel depends on the window: its border counts as black."""
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(NUM_CLASSES, 9, padding="same")(inputs)
    model = keras.Model(inputs, outputs)
    kernel = np.random.default_rng(0).normal(size=(9, 9, 3, NUM_CLASSES)) / 400
    model.set_weights([kernel, np.zeros(NUM_CLASSES)])
    model.num_classes, model.ignore_class = NUM_CLASSES, 255
    return model


def smooth_image(height, width, seed=0):
    return cv2.resize(random_image(6, 8, seed), (width, height))


def plain_logits(model, image, protocol):
    """Windows added up over the whole image and divided by how many see a pixel."""
    height, width = image.shape[:2]
    window_height, window_width = protocol.window or (height, width)
    step_y, step_x = protocol.stride or (height, width)
    total = np.zeros((height, width, model.num_classes))
    count = np.zeros((height, width, 1))
    y = 0
    while True:
        bottom = min(y + window_height, height)
        top = max(bottom - window_height, 0)
        x = 0
        while True:
            right = min(x + window_width, width)
            left = max(right - window_width, 0)
            patch = np.ascontiguousarray(image[top:bottom, left:right])
            total[top:bottom, left:right] += model.predict_on_batch(patch[None])[0]
            count[top:bottom, left:right] += 1
            if right == width:
                break
            x += step_x
        if bottom == height:
            break
        y += step_y
    return total / count


def plain_probabilities(model, image, protocol):
    height, width = image.shape[:2]
    total, passes = 0, 0
    for scale in protocol.scales:
        limits = protocol.resize or (max(height, width), min(height, width))
        factor = min(
            int(limits[0] * scale) / max(height, width),
            int(limits[1] * scale) / min(height, width),
        )
        size = int(height * factor + 0.5), int(width * factor + 0.5)
        resized = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
        for mirrored in (False, True)[: 1 + protocol.flip]:
            shown = resized[:, ::-1] if mirrored else resized
            logits = plain_logits(model, shown, protocol)
            logits = reference.resize_bilinear(logits[None], height, width)[0]
            odds = np.exp(logits - logits.max(-1, keepdims=True))
            probabilities = odds / odds.sum(-1, keepdims=True)
            total = total + (probabilities[:, ::-1] if mirrored else probabilities)
            passes += 1
    return total / passes


PROTOCOLS = {
    "whole": TestProtocol(),
    "slide": TestProtocol("slide", window=(40, 48), stride=(32, 32)),
    "small stride": TestProtocol("slide", window=40, stride=(7, 11)),
    "no overlap": TestProtocol("slide", window=33),
    "window larger than the image": TestProtocol("slide", window=300, stride=200),
    "resized": TestProtocol(resize=(100, 50)),
    "slide on resized": TestProtocol("slide", window=40, stride=30, resize=(150, 110)),
    "slide, scales and flip": TestProtocol(
        "slide", 40, 30, scales=(0.5, 1.0), flip=True
    ),
    "scales and flip": TestProtocol(scales=(0.5, 1.0, 1.75), flip=True),
    "all": TestProtocol("slide", 48, 40, (120, 80), scales=(0.75, 1.25), flip=True),
}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS.keys())
@pytest.mark.parametrize("size", [(72, 93), (101, 64)])
def test_equals_a_plain_loop(model, protocol, size):
    image = smooth_image(*size)
    expected = plain_probabilities(model, image, protocol)
    actual = mean_probabilities(model, image, protocol)
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    second, first = np.sort(expected, axis=-1)[..., -2:].transpose(2, 0, 1)
    sure = first - second > 1e-4
    assert sure.mean() > 0.95 and len(np.unique(np.argmax(expected, -1))) > 1
    labels = segment_by_protocol(model, image, protocol)
    assert labels.shape == size and labels.dtype == np.uint8
    np.testing.assert_array_equal(labels[sure], np.argmax(expected, -1)[sure])


def test_windows_matter(model):
    """Else the tests above would pass with wrong windows."""
    image = smooth_image(72, 93)
    whole = mean_probabilities(model, image, TestProtocol())
    for other in (TestProtocol("slide", window=33), TestProtocol("slide", 40, (7, 11))):
        assert np.abs(mean_probabilities(model, image, other) - whole).max() > 0.01


@pytest.mark.parametrize("name", ["small stride", "all", "slide, scales and flip"])
def test_areas_and_parts_change_nothing(model, name, monkeypatch):
    module = sys.modules["keras_seg.inference.segment_by_protocol"]
    protocol = PROTOCOLS[name]
    image = smooth_image(72, 93)
    whole = segment_by_protocol(model, image, protocol)
    monkeypatch.setattr(module, "MAX_AREA", 3000)
    monkeypatch.setattr(module, "MAX_WAITING", 4000)
    monkeypatch.setattr("keras_seg.inference.mean_probabilities.MAX_STEP", 1500)
    in_parts = segment_by_protocol(model, image, protocol)
    assert (in_parts == whole).mean() > 0.999  # equal but for rounding at ties


@pytest.mark.no_backend
def test_every_window_is_processed_once():
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    rows = WindowAxis.averaged(100, 40, 30)
    columns = WindowAxis.averaged(90, 40, 30)
    seen = np.zeros((100, 90), int)
    image = random_image(100, 90)
    for top, left, logits in sliding_window(model, image, rows, columns):
        height, width = logits.shape[:2]
        seen[top : top + height, left : left + width] += 1
        np.testing.assert_allclose(
            logits, image[top : top + height, left : left + width], rtol=1e-6
        )
    assert (seen == 1).all()
    assert len(model.seen) == 3 * 3


@pytest.mark.no_backend
def test_whole_images_that_are_too_large_are_cut(monkeypatch):
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    image = random_image(120, 160)
    monkeypatch.setattr("keras_seg_runtime.labels.window_size.MAX_WHOLE_PIXELS", 10_000)
    monkeypatch.setattr("keras_seg_runtime.labels.window_size.MAX_WINDOW_PIXELS", 6_000)
    labels = segment_by_protocol(model, image, TestProtocol())
    np.testing.assert_array_equal(labels, np.argmax(image, axis=-1))
    assert len(model.seen) > 3 and max(np.prod(s[1:3]) for s in model.seen) <= 6_000


@pytest.mark.no_backend
def test_model_of_one_size():
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    model.input_shape = (None, 48, 64, 3)
    for size in ((40, 50), (48, 64), (100, 130)):
        image = random_image(*size)
        labels = segment_by_protocol(model, image, TestProtocol())
        np.testing.assert_array_equal(labels, np.argmax(image, axis=-1))
    assert set(model.seen) == {(1, 48, 64, 3)}
    with pytest.raises(ValueError, match=r"takes images of 48 x 64 .* 60 x 60"):
        segment_by_protocol(model, random_image(70, 70), TestProtocol("slide", 60))


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "protocol",
    [
        TestProtocol("slide", window=100, stride=80),
        TestProtocol(resize=(100, 80)),
        TestProtocol("slide", window=100, stride=80, scales=0.5, flip=True),
    ],
)
def test_large_image_in_bounded_memory(protocol, monkeypatch):
    """Logits of 100 classes for the whole image would take 288 MB."""
    model = numpy_model(
        lambda patch: np.repeat(patch[..., :1], 100, -1).astype("float32"), 100
    )
    module = sys.modules["keras_seg.inference.segment_by_protocol"]
    monkeypatch.setattr(module, "MAX_AREA", 6_000_000)
    monkeypatch.setattr(module, "MAX_WAITING", 6_000_000)
    monkeypatch.setattr("keras_seg.inference.mean_probabilities.MAX_STEP", 800_000)
    image = random_image(900, 800)
    tracemalloc.start()
    segment_by_protocol(model, image, protocol)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"mode": "tiles"}, "'tiles'"),
        ({"mode": "slide"}, "requires `window`"),
        ({"window": 64}, "require mode='slide'"),
        ({"mode": "slide", "window": 64, "stride": 65}, "must not exceed"),
        ({"mode": "slide", "window": (64, 0)}, "window=\\(64, 0\\)"),
        ({"resize": (1, 2, 3)}, "resize="),
        ({"resize": (64, 32), "long_side": 50}, "both set the size"),
        ({"scales": ()}, "`scales`"),
        ({"scales": (1.0, -1)}, "`scales`"),
    ],
)
def test_protocol_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        TestProtocol(**arguments)


@pytest.mark.no_backend
def test_protocol_of_a_model():
    model = numpy_model(None, 3)
    assert TestProtocol.of_model(model) == TestProtocol("auto")
    model.long_side = 384
    assert TestProtocol.of_model(model) == TestProtocol("auto", long_side=384)
    resized = TestProtocol.of_model(model, resize=(64, 32), mode="whole")
    assert resized == TestProtocol(resize=(64, 32))
    model.test_protocol = {"mode": "slide", "window": [64, 32], "stride": 16}
    assert TestProtocol.of_model(model) == TestProtocol("slide", (64, 32), (16, 16))
    assert TestProtocol.of_model(model, stride=8, flip=True).stride == (8, 8)
    assert TestProtocol.of_model(model, mode="whole") == TestProtocol()
    model.test_protocol = {"mode": "whole", "window": None, "stride": None}
    assert TestProtocol.of_model(model, window=64).mode == "slide"
    model.test_protocol = {"crop": 3}
    with pytest.raises(ValueError, match=r"no arguments \['crop'\]"):
        TestProtocol.of_model(model)


@pytest.mark.no_backend
def test_common_sizes():
    ade20k = TestProtocol(resize=(512, 2048))
    assert ade20k.passes(683, 512) == [(683, 512, False)]
    assert ade20k.passes(256, 300) == [(512, 600, False)]
    assert ade20k.passes(100, 1000) == [(205, 2048, False)]
    assert TestProtocol(scales=1.75).passes(375, 500) == [(656, 875, False)]


class Source(list):
    num_classes, ignore_class = 3, 255
    class_names = ["red", "green", "blue"]


def test_evaluate_equals_a_count_pixel_by_pixel():
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    random = np.random.default_rng(0)
    source = Source()
    for size in ((20, 33), (41, 34), (7, 9)):
        image = random_image(*size)
        image[..., 2] = 0  # never predicted
        truth = random.choice([0, 1, 255], size).astype("uint8")
        source.append((image, truth))
    result = evaluate(model, source, limit=2)
    hits, truths, guesses = np.zeros(3), np.zeros(3), np.zeros(3)
    for image, truth in source[:2]:
        for pixel, label in zip(image.reshape(-1, 3), truth.ravel(), strict=True):
            if label != 255:
                guess = int(np.argmax(pixel))
                hits[label] += guess == label
                truths[label] += 1
                guesses[guess] += 1
    iou = hits[:2] / (truths + guesses - hits)[:2]
    assert result["images"] == 2
    assert result["class_iou"] == {
        "red": pytest.approx(iou[0]),
        "green": pytest.approx(iou[1]),
        "blue": None,
    }
    assert result["mean_iou"] == pytest.approx(iou.mean())
    assert result["pixel_accuracy"] == pytest.approx(hits.sum() / truths.sum())
    accuracy = hits[:2] / truths[:2]
    assert result["mean_class_accuracy"] == pytest.approx(accuracy.mean())
    assert result["class_accuracy"]["green"] == pytest.approx(accuracy[1])
    assert result["class_accuracy"]["blue"] is None
    assert result["protocol"]["mode"] == "auto"


def test_evaluate_counts_in_bands(monkeypatch):
    module = sys.modules["keras_seg.inference.evaluate"]
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    image = random_image(40, 50)
    source = Source([(image, np.argmax(random_image(40, 50, 1), -1).astype("uint8"))])
    expected = evaluate(model, source)
    monkeypatch.setattr(module, "MAX_COUNTED_PIXELS", 120)
    assert evaluate(model, source) == expected


def test_evaluate_refuses():
    model = numpy_model(lambda patch: patch.astype("float32"), 3)
    image, truth = random_image(40, 50), np.zeros((40, 50), "uint8")
    with pytest.raises(ValueError, match="nothing to evaluate"):
        evaluate(model, Source())
    with pytest.raises(ValueError, match="40 x 50 pixels"):
        evaluate(model, Source([(image, truth[:30])]))
    with pytest.raises(ValueError, match="pixels of the 1 label maps are void"):
        evaluate(model, Source([(image, truth + 255)]))
    source = Source([(image, truth)])
    source.class_names = ["red", "blue", "red"]
    with pytest.raises(ValueError, match="Repeated: 'red'"):
        evaluate(model, source)
    source = Source([(image, truth)])
    source.num_classes = 4
    with pytest.raises(ValueError, match="3 classes and the data 4"):
        evaluate(model, source)
    source.num_classes, source.ignore_class = 3, 200
    with pytest.raises(ValueError, match="Void is 255 in the model and 200"):
        evaluate(model, source)
