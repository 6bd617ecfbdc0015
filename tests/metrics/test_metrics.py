"""Mean IoU against brute force."""

import json

import keras
import numpy as np
import numpy_reference as reference
import pytest

from keras_seg.metrics import MeanClassAccuracy, MeanIoU, PixelAccuracy

VOID = 255


def random_ids(seed, shape=(2, 5, 7), ids=(0, 1, 2, 4)):
    return np.random.default_rng(seed).choice(ids, shape)


def one_hot_logits(ids, num_classes):
    return np.eye(num_classes, dtype="float32")[ids] - 0.5


def result(*batches, num_classes=5, **kwargs):
    metric = MeanIoU(num_classes, **kwargs)
    for truth, prediction in batches:
        metric.update_state(truth, prediction)
    return metric


def assert_equals_reference(metric, truth, prediction, ignore_class=VOID):
    iou = reference.class_iou(truth, prediction, metric.num_classes, ignore_class)
    np.testing.assert_allclose(metric.class_iou(), iou)
    assert float(metric.result()) == pytest.approx(np.nanmean(iou))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_ids(dtype):
    truth = random_ids(0, ids=(0, 1, 2, 4, VOID)).astype(dtype)
    prediction = random_ids(1).astype(dtype)
    metric = result((truth, prediction))
    assert_equals_reference(metric, truth, prediction)
    assert np.isnan(metric.class_iou()[3])  # in neither truth nor prediction


def test_ranks_and_logits_are_equivalent():
    truth, prediction = random_ids(0, ids=(0, 1, VOID)), random_ids(1)
    expected = result((truth, prediction)).confusion_matrix()
    logits = one_hot_logits(prediction, 5)
    for t in (truth, truth[..., None]):
        for p in (prediction, prediction[..., None], logits, keras.ops.array(logits)):
            actual = result((t, p)).confusion_matrix()
            np.testing.assert_array_equal(actual, expected)


def test_counts():
    truth = np.array([[[0, 0, 1], [2, VOID, 2]]])
    prediction = np.array([[[0, 1, 1], [2, 0, 9]]])
    metric = result((truth, prediction), num_classes=3)
    np.testing.assert_array_equal(
        metric.confusion_matrix(), [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]
    )
    np.testing.assert_allclose(metric.class_iou(), [1 / 2, 1 / 2, 1 / 2])
    assert metric.pixel_accuracy() == pytest.approx(3 / 5)


@pytest.mark.parametrize("outside", [5, 255, -1])
def test_prediction_outside_the_classes_counts_as_wrong(outside):
    truth, prediction = random_ids(0), random_ids(0)
    prediction[:, :2] = outside
    metric = result((truth, prediction))
    assert_equals_reference(metric, truth, prediction)
    assert metric.pixel_accuracy() == pytest.approx(3 / 5)


def test_batches_add_up_and_reset():
    truth, prediction = random_ids(0, ids=(0, 1, VOID)), random_ids(1)
    other_truth, other_prediction = random_ids(2), random_ids(3)
    metric = result((truth, prediction), (other_truth, other_prediction))
    assert_equals_reference(
        metric,
        np.concatenate([truth, other_truth]),
        np.concatenate([prediction, other_prediction]),
    )
    metric.reset_state()
    metric.update_state(truth, prediction)
    assert_equals_reference(metric, truth, prediction)


def test_agrees_with_keras():
    truth, prediction = random_ids(0, ids=(0, 1, 2, VOID)), random_ids(1, ids=(0, 1, 4))
    theirs = keras.metrics.MeanIoU(5, ignore_class=VOID)
    theirs.update_state(truth, prediction)
    ours = result((truth, prediction))
    assert float(ours.result()) == pytest.approx(float(theirs.result()))


def test_other_void():
    truth, prediction = random_ids(0, ids=(-1, 0, 1, 2)), random_ids(1, ids=(1, 2))
    assert_equals_reference(
        result((truth, prediction), ignore_class=-1), truth, prediction, -1
    )
    truth = np.maximum(truth, 0)
    metric = result((truth, prediction), ignore_class=None)
    assert_equals_reference(metric, truth, prediction, None)


def test_only_void_is_zero():
    metric = result((np.full((1, 2, 2), VOID), np.zeros((1, 2, 2), "int32")))
    assert float(metric.result()) == 0 and metric.pixel_accuracy() == 0
    assert np.isnan(metric.class_iou()).all()


def test_counts_past_two_to_the_31():
    metric = MeanIoU(2)
    # 2^33 + 5 hits of class 0, 2^33 misses of class 1, the next pixels overflow `low`.
    metric.low.assign([[5, 0, 0], [2**30 - 1, 0, 0]])
    metric.high.assign([[8, 0, 0], [7, 0, 0]])
    metric.update_state(np.array([[[1, 1, 0]]]), np.array([[[0, 0, 0]]]))
    expected = [[2**33 + 6, 0, 0], [2**33 + 1, 0, 0]]
    np.testing.assert_array_equal(metric.confusion_matrix(), expected)
    assert metric.class_iou()[0] == pytest.approx(1 / 2)
    assert float(metric.result()) == pytest.approx(1 / 4)
    assert metric.pixel_accuracy() == pytest.approx(1 / 2)


def test_wrong_number_of_channels():
    with pytest.raises(ValueError, match=r"logits with 5 channels .*\(2, 5, 7, 4\)"):
        result((random_ids(0), np.zeros((2, 5, 7, 4), "float32")))


@pytest.mark.parametrize("void", [VOID, None])
def test_accuracies_against_a_count_pixel_by_pixel(void):
    ids = (0, 1, 2, 4) if void is None else (0, 1, 2, 4, void)
    truth, prediction = random_ids(0, ids=ids), random_ids(1, ids=(0, 1, 3, 9))
    right, seen = np.zeros(5), np.zeros(5)
    for t, p in zip(truth.ravel(), prediction.ravel(), strict=True):
        if t != void:
            seen[t] += 1
            right[t] += t == p
    pixel, mean = PixelAccuracy(5, void), MeanClassAccuracy(5, void)
    for part in (slice(0, 1), slice(1, 2)):
        pixel.update_state(truth[part], prediction[part])
        mean.update_state(truth[part], prediction[part])
    assert float(pixel.result()) == pytest.approx(right.sum() / seen.sum())
    expected = np.where(seen > 0, right / np.maximum(seen, 1), np.nan)
    np.testing.assert_allclose(mean.class_accuracy(), expected)
    assert np.isnan(expected[3]) and expected[0] > 0
    assert float(mean.result()) == pytest.approx(np.nanmean(expected))


@pytest.mark.parametrize("metric_class", [MeanIoU, PixelAccuracy, MeanClassAccuracy])
def test_config_survives_json(metric_class):
    metric = metric_class(7, ignore_class=None, name="some_name")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == metric.get_config()
    assert again.name == "some_name" and again.ignore_class is None
