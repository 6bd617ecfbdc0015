"""Expected calibration error against its definition in float64."""

import keras
import numpy as np
import pytest

from keras_seg.metrics import CalibrationError

VOID = 255


def reference(truth, scores, num_bins):
    truth, scores = truth.reshape(-1), scores.reshape(-1, scores.shape[-1])
    scores = scores[truth != VOID].astype("float64")
    truth = truth[truth != VOID]
    confidence, hit = scores.max(-1), scores.argmax(-1) == truth
    error = 0
    for k in range(num_bins):
        inside = (confidence >= k / num_bins) & (confidence < (k + 1) / num_bins)
        inside |= (k == num_bins - 1) & (confidence == 1)
        if inside.any():
            error += inside.sum() * abs(confidence[inside].mean() - hit[inside].mean())
    return error / len(truth)


def random_data(shape=(2, 9, 7), num_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (*shape, num_classes)).astype("float32")
    return rng.choice([0, 1, 2, 3, VOID], shape), logits


def softmax(x):
    x = np.exp(x.astype("float64") - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


@pytest.mark.parametrize("num_bins", [1, 7, 15])
def test_equals_the_definition(num_bins):
    metric = CalibrationError(num_bins)
    batches = [random_data(seed=seed) for seed in range(3)]
    for truth, logits in batches:
        metric.update_state(truth, logits)
    truth = np.concatenate([t for t, _ in batches])
    scores = softmax(np.concatenate([x for _, x in batches]))
    assert float(metric.result()) == pytest.approx(
        reference(truth, scores, num_bins), abs=1e-5
    )
    assert metric.bins()["pixels"].sum() == (truth != VOID).sum()
    metric.reset_state()
    assert float(metric.result()) == 0


def test_a_confident_correct_prediction_has_no_error():
    truth = np.array([[[0, 1, VOID]]])
    scores = np.eye(2)[[[[0, 1, 1]]]]
    metric = CalibrationError(from_logits=False)
    metric.update_state(truth, scores)
    assert float(metric.result()) == 0
    bins = metric.bins()
    assert bins["accuracy"][-1] == 1 and np.isnan(bins["accuracy"][0])


def test_config_and_arguments():
    metric = CalibrationError(7, ignore_class=None, from_logits=False)
    config = keras.saving.serialize_keras_object(metric)
    assert keras.saving.deserialize_keras_object(config).get_config() == (
        metric.get_config()
    )
    with pytest.raises(ValueError, match="num_bins=0"):
        CalibrationError(0)


def test_in_fit():
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 1)])
    model.compile("sgd", "mse", metrics=[CalibrationError(ignore_class=None)])
    x = np.zeros((2, 4, 4, 2), "float32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=[CalibrationError()])
    history = model.fit(x, np.zeros((2, 4, 4), "int32"), verbose=0).history
    assert history["calibration_error"][0] == pytest.approx(2 / 3, abs=0.01)
