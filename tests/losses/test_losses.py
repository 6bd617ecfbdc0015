"""Losses against the NumPy references, and what void pixels must not do."""

import functools

import keras
import numpy as np
import numpy_reference as reference
import pytest
from keras import ops
from random_weights import random_array

from keras_seg import losses
from keras_seg.layers import ScatterClasses
from keras_seg.layers.scatter_classes import ABSENT_LOGIT

VOID, NUM_CLASSES = 255, 5
LOSSES = {
    "cross-entropy": losses.SegmentationLoss(),
    "weights": losses.SegmentationLoss(class_weights=[1, 2, 0.5, 3, 1]),
    "jaccard": losses.SegmentationLoss(jaccard=0.7, label_smoothing=0.1),
    "focal": losses.focal_mask_loss,
    "dice": losses.dice_mask_loss,
}
REFERENCES = {
    "cross-entropy": reference.segmentation_loss,
    "weights": functools.partial(
        reference.segmentation_loss, class_weights=[1, 2, 0.5, 3, 1]
    ),
    "jaccard": functools.partial(
        reference.segmentation_loss, jaccard=0.7, smoothing=0.1
    ),
    "focal": reference.focal_mask_loss,
    "dice": reference.dice_mask_loss,
}


def random_labels(seed=0, shape=(2, 5, 7)):
    """Class 3 is absent, every fifth pixel void."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, 2, 4], shape)
    return np.where(rng.random(shape) < 0.2, VOID, labels)


LABELS = {
    "some void": random_labels(),
    "no void": np.where(random_labels() == VOID, 1, random_labels()),
    "one valid pixel": np.where(np.arange(70).reshape(2, 5, 7) == 23, 2, VOID),
    "one image all void": random_labels() * [[[1]], [[0]]] + [[[0]], [[VOID]]],
}


@pytest.fixture(params=sorted(LOSSES))
def name(request):
    return request.param


def value(name, labels, logits):
    return float(LOSSES[name](labels, logits))


@functools.cache
def gradient_model(name):
    """A model whose weights are the logits, so that one SGD step is their gradient."""

    class Logits(keras.layers.Layer):
        def build(self, _):
            self.logits = self.add_weight(shape=(2, 5, 7, NUM_CLASSES))

        def call(self, inputs):
            return ops.convert_to_tensor(self.logits) + 0 * ops.sum(inputs)

    model = keras.Sequential([Logits()])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: LOSSES[name](y, p))
    model.build((2, 1))
    return model


def gradient(name, labels, logits):
    model = gradient_model(name)
    model.set_weights([logits])
    model.train_on_batch(np.zeros((2, 1), "float32"), labels)
    return logits - model.get_weights()[0]


@pytest.mark.parametrize("labels", LABELS)
def test_reference(name, labels):
    logits = 2 * random_array(2, 5, 7, NUM_CLASSES)
    expected = REFERENCES[name](LABELS[labels], logits.astype("float64"))
    assert value(name, LABELS[labels], logits) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["focal", "dice"])
@pytest.mark.parametrize("size", [(3, 4), (1, 1), (10, 14)])
def test_masks_of_another_size(name, size):
    labels, logits = random_labels(), random_array(2, *size, NUM_CLASSES)
    expected = REFERENCES[name](labels, logits.astype("float64"))
    assert value(name, labels, logits) == pytest.approx(expected, abs=1e-5)


def test_options_of_the_mask_losses():
    labels, logits = random_labels(), random_array(2, 5, 7, NUM_CLASSES)
    for name, options in [
        ("focal", {"ignore_class": 4, "alpha": 0.6, "gamma": 1.0}),
        ("dice", {"ignore_class": 4, "smoothing": 0.1}),
    ]:
        labels = np.where(labels == VOID, 0, labels)
        expected = REFERENCES[name](labels, logits.astype("float64"), **options)
        actual = float(LOSSES[name](labels, logits, **options))
        assert actual == pytest.approx(expected, abs=1e-5)


def test_void_pixels_change_nothing_and_learn_nothing(name):
    labels, logits = random_labels(), random_array(2, 5, 7, NUM_CLASSES)
    void = labels == VOID
    other = np.where(void[..., None], 50 * random_array(*logits.shape, seed=1), logits)
    assert value(name, labels, other) == value(name, labels, logits)
    g, other_g = gradient(name, labels, logits), gradient(name, labels, other)
    np.testing.assert_array_equal(g[void], 0)
    np.testing.assert_array_equal(other_g[void], 0)
    np.testing.assert_allclose(g[~void], other_g[~void], atol=1e-6)
    assert np.abs(g[~void]).max() > 1e-4


def test_gradient_is_the_slope(name):
    labels, logits = random_labels(), random_array(2, 5, 7, NUM_CLASSES)
    direction = random_array(*logits.shape, seed=1).astype("float64")
    step = 1e-5 * direction
    up = REFERENCES[name](labels, logits.astype("float64") + step)
    down = REFERENCES[name](labels, logits.astype("float64") - step)
    slope = np.sum(gradient(name, labels, logits) * direction)
    assert slope == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-4)


def test_all_void_is_zero_without_gradient(name):
    labels, logits = np.full((2, 5, 7), VOID), random_array(2, 5, 7, NUM_CLASSES)
    assert value(name, labels, logits) == 0
    np.testing.assert_array_equal(gradient(name, labels, logits), 0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_smoothing_leaves_out_classes_that_are_not_learned(dtype):
    """The loss is that of the learned classes alone."""
    channels = random_labels()  # of 5 learned classes among 9
    class_ids = [7, 0, 3, 8, 1]
    labels = np.where(channels == VOID, VOID, np.take(class_ids, channels % 5))
    logits = ops.cast(random_array(2, 5, 7, NUM_CLASSES), dtype)
    scattered = ScatterClasses(class_ids, 9, dtype=dtype)(logits)
    exact = ops.convert_to_numpy(ops.cast(logits, "float32")).astype("float64")
    actual = losses.SegmentationLoss(label_smoothing=0.1)(labels, scattered)
    expected = reference.segmentation_loss(channels, exact, smoothing=0.1)
    assert float(actual) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("absent", [False, True])
def test_smoothing_moves_no_mean_of_the_logits(absent):
    """The gradient of a pixel adds up to 0, so that logits cannot drift."""
    logits = random_array(2, 5, 7, NUM_CLASSES)
    if absent:
        logits[..., 3] = ABSENT_LOGIT
    g = gradient("jaccard", random_labels(), logits)
    np.testing.assert_allclose(g.sum(-1), 0, atol=1e-6)
    assert np.abs(g).max() > 1e-4


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_dtypes_and_ranks_of_labels(name, dtype):
    labels, logits = random_labels(), random_array(2, 5, 7, NUM_CLASSES)
    expected = value(name, labels, logits)
    assert value(name, labels.astype(dtype), logits) == expected
    assert value(name, labels.astype(dtype)[..., None], logits) == expected


def test_extreme_logits_stay_finite(name):
    labels, logits = random_labels(), 1e4 * random_array(2, 5, 7, NUM_CLASSES)
    assert np.isfinite(value(name, labels, logits))
    assert np.isfinite(gradient(name, labels, logits)).all()


def test_half_precision_logits(name):
    labels, logits = random_labels(), random_array(2, 5, 7, NUM_CLASSES)
    half = ops.cast(logits, "bfloat16")
    assert value(name, labels, half) == pytest.approx(
        value(name, labels, ops.cast(half, "float32"))
    )


@pytest.mark.parametrize("sample_weight", [None, "pixels", "images"])
def test_segmentation_loss_without_options_is_that_of_keras(sample_weight):
    labels, logits = random_labels(), random_array(2, 5, 7, NUM_CLASSES)
    weight = {
        None: None,
        "pixels": np.random.default_rng(0).random(labels.shape, "float32"),
        "images": np.array([0.5, 2.0], "float32").reshape(2, 1, 1),
    }[sample_weight]
    keras_loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=VOID
    )
    actual = losses.SegmentationLoss()(labels, logits, sample_weight=weight)
    if weight is not None:  # Keras itself wants one weight per pixel
        weight = np.broadcast_to(weight, labels.shape).copy()
    expected = keras_loss(labels, logits, sample_weight=weight)
    assert float(actual) == pytest.approx(float(expected), rel=1e-5)


def test_segmentation_loss_config():
    loss = losses.SegmentationLoss(
        ignore_class=0, class_weights=np.array([1, 2]), jaccard=0.5, label_smoothing=0.1
    )
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(loss)
    )
    assert again.get_config() == loss.get_config()
    assert again.class_weights == [1.0, 2.0] and again.ignore_class == 0


def test_segmentation_loss_refuses():
    with pytest.raises(ValueError, match="one weight per class"):
        losses.SegmentationLoss(class_weights=[1, 2])(
            random_labels(), random_array(2, 5, 7, NUM_CLASSES)
        )
    with pytest.raises(ValueError, match="reduction='sum'"):
        losses.SegmentationLoss(reduction="sum")


def test_diversity_loss():
    rng = np.random.default_rng(0)
    maps = [rng.random((2, 12), "float32"), rng.random((2, 3), "float32")]
    expected = reference.diversity_loss(maps, [8, 4])
    assert float(losses.diversity_loss(maps, [8, 4])) == pytest.approx(expected)


def test_diversity_loss_falls_as_channels_differ():
    same = np.full((1, 4), 1 / 4, "float32")  # 4 channels spread over 4 positions
    different = np.ones((1, 4), "float32")  # each channel at a position of its own
    assert float(losses.diversity_loss([same], [4])) == pytest.approx(0.75)
    assert float(losses.diversity_loss([different], [4])) == 0
