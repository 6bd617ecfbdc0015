"""A model that knows some classes of a data set speaks in the ids of all."""

import keras
import numpy as np
import numpy_reference as reference
import pytest
from keras import ops
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone

import keras_seg
from keras_seg.keras_internals.inference_function import run_inference
from keras_seg.layers import ScatterClasses
from keras_seg.layers.scatter_classes import ABSENT_LOGIT

LEARNED, VOID = [3, 0, 4], 255


def make_model(num_classes=6, **kwargs):
    kwargs = {"classes_learned": LEARNED, **kwargs}
    model = keras_seg.ECENet(
        TinyBackbone(2), num_classes, hidden_dim=8, num_heads=2, dropout=0.0, **kwargs
    )
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


def images_and_labels(ids):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 16, 16, 3), "uint8")
    return images, rng.choice(ids, (2, 16, 16))


def test_logits_are_scattered_to_their_classes():
    images, _ = images_and_labels([0])
    spread = make_model().predict(images, verbose=0)
    plain = make_model(3, classes_learned=None).predict(images, verbose=0)
    np.testing.assert_allclose(spread[..., LEARNED], plain, atol=1e-5)
    assert np.all(spread[..., [1, 2, 5]] == ABSENT_LOGIT)
    assert set(np.unique(make_model().segment(images[0]))) <= set(LEARNED)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_absent_classes_have_no_probability(dtype):
    layer = ScatterClasses([1], 3, dtype=dtype)
    probability = ops.softmax(layer(np.full((1, 1), -50.0)), axis=-1)
    probability = ops.convert_to_numpy(ops.cast(probability, "float32"))
    np.testing.assert_array_equal(probability, [[0, 1, 0]])


def test_training_equals_that_of_the_small_set_of_classes():
    images, ids = images_and_labels([0, 1, 3, 4, 5, VOID])
    channels = np.full_like(ids, VOID)
    for channel, class_id in enumerate(LEARNED):
        channels[ids == class_id] = channel
    histories = [
        model.fit(images, labels, epochs=2, shuffle=False, verbose=0).history
        for model, labels in (
            (make_model(), ids),
            (make_model(3, classes_learned=None), channels),
        )
    ]
    for key in ("loss", "mask_loss", "dice_loss", "diversity_loss"):
        np.testing.assert_allclose(histories[0][key], histories[1][key], rtol=1e-3)


def test_metrics_count_classes_that_were_not_learned():
    images, ids = images_and_labels([0, 1, 3])
    model = make_model()
    results = model.evaluate(images, ids, return_dict=True, verbose=0)
    prediction = model.predict(images, verbose=0).argmax(-1)
    iou = reference.class_iou(ids, prediction, 6)
    assert results["mean_iou"] == pytest.approx(np.nanmean(iou), rel=1e-5)
    assert iou[1] == 0 and np.isfinite(results["loss"])


@pytest.mark.parametrize(
    "names, learned, expected",
    [
        (list("abcdef"), LEARNED, ["d", "a", "e"]),
        (list("abcdef"), None, list("abcdef")),
        (None, LEARNED, ["class 3", "class 0", "class 4"]),
    ],
)
def test_names_of_the_learned_classes(names, learned, expected):
    model = make_model(class_names=names, classes_learned=learned)
    assert model.learned_class_names == expected


def test_saved_and_replaced(tmp_path, caplog):
    model = make_model(temperature=1.5, class_names=list("abcdef"))
    model.save_to_preset(tmp_path / "preset")
    again = keras_seg.ECENet.from_preset(tmp_path / "preset")
    assert "ECENet knows 3 of 6 classes: d, a, e." in caplog.text
    assert again.classes_learned == LEARNED and again.temperature == 1.5
    images, _ = images_and_labels([0])
    np.testing.assert_allclose(
        again.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-5
    )
    other = keras_seg.ECENet.from_preset(tmp_path / "preset", num_classes=2)
    assert (
        other.classes_learned is None
        and other.predict(images, verbose=0).shape[-1] == 2
    )


@pytest.mark.parametrize("ids", [[0, 6], [-1], [1, 1], []])
def test_wrong_ids(ids):
    with pytest.raises(ValueError, match=r"different integers in 0\.\.5"):
        make_model(classes_learned=ids)


def test_temperature_divides_logits_outside_training():
    images, _ = images_and_labels([0])
    cold, warm = (
        make_model(3, classes_learned=None),
        make_model(3, classes_learned=None, temperature=2.0),
    )
    np.testing.assert_allclose(
        warm.predict(images, verbose=0), cold.predict(images, verbose=0) / 2, atol=1e-5
    )
    logits = [m.training_outputs(images)["logits"] for m in (cold, warm)]
    np.testing.assert_allclose(*map(ops.convert_to_numpy, logits), atol=1e-5)
    with pytest.raises(ValueError, match="temperature=0"):
        make_model(temperature=0)


def test_temperature_may_change_after_the_first_prediction():
    """What was compiled for a prediction has the value of then."""
    images, _ = images_and_labels([0])
    model = make_model(3, classes_learned=None)
    calls = (
        lambda: model.predict(images, verbose=0),
        lambda: model.predict_on_batch(images),
        lambda: run_inference(model.head_logits, images),
        lambda: keras.Model.predict(model, images, verbose=0),
    )
    before = [call() for call in calls]
    model.temperature = 4.0
    for call, expected in zip(calls, before, strict=True):
        np.testing.assert_allclose(call(), expected / 4, atol=1e-5)
    assert model.get_config()["temperature"] == 4.0
    with pytest.raises(ValueError, match="temperature=-1"):
        model.temperature = -1
