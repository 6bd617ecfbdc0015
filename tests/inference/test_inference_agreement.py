"""`segment` and `evaluate` show a model the same image."""

import numpy as np
import pytest
from fake_model import numpy_model, random_image

import keras_seg
from keras_seg.inference import TestProtocol, evaluate, segment, segment_by_protocol
from keras_seg_runtime.labels import window_size as home


def border_model(**attributes):
    """Its logits depend on the size of what it is shown, and on the place in it."""

    def answer(patch):
        rows, columns = np.indices(patch.shape[:2])[..., None] / 9
        return np.sin(rows + columns + [0.0, 2.0, 4.0]) + patch / 500

    model = numpy_model(answer, 3)
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


@pytest.mark.parametrize(
    "attributes",
    [{}, {"long_side": 50}, {"long_side": 500}, {"input_shape": (None, 60, 80, 3)}],
    ids=str,
)
@pytest.mark.parametrize("size", [(97, 143), (40, 31), (400, 500)])
def test_labels_agree(monkeypatch, attributes, size):
    monkeypatch.setattr(home, "MAX_WINDOW_PIXELS", 40_000)
    model, image = border_model(**attributes), random_image(*size)
    labels = segment(model, image)
    shown = list(model.seen)
    model.seen.clear()
    np.testing.assert_array_equal(segment_by_protocol(model, image), labels)
    assert model.seen == shown
    assert evaluate(model, [(image, labels)])["mean_iou"] == 1.0
    other = TestProtocol("slide", window=30, stride=20)
    if "input_shape" not in attributes:
        assert (segment_by_protocol(model, image, other) != labels).any()


@pytest.mark.parametrize("name", list(keras_seg.presets.list_presets()))
def test_a_shipped_preset_is_evaluated_as_it_segments(name, monkeypatch):
    """Without its network, which takes long: the stand-in sees the same images."""
    model = keras_seg.models.load_model(name, load_weights=False)
    weights = np.random.default_rng(0).normal(size=(3, model.num_classes))
    seen = []

    def network(model, images):
        seen.append(images)
        return images.astype("float32") @ weights.astype("float32")

    monkeypatch.setattr("keras_seg.inference.inference_model.run_inference", network)
    for size in ((700, 900), (1700, 1300)):
        image = random_image(*size)
        labels = model.segment(image)
        shown = list(seen)
        seen.clear()
        np.testing.assert_array_equal(segment_by_protocol(model, image), labels)
        assert len(seen) == len(shown)
        assert all(map(np.array_equal, seen, shown))
        seen.clear()
        result = evaluate(model, [(image, labels)])
        assert result["pixel_accuracy"] == 1.0
        seen.clear()
