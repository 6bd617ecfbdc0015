"""What holds for every model. `model_harness.py` has an entry for each."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops
from model_harness import MODEL_CASES, NUM_CLASSES, VOID, random_model, scene

import keras_seg
from keras_seg import models


@pytest.fixture(scope="module", params=list(MODEL_CASES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    """Not trained by any test that uses it."""
    return random_model(name)


def arrays(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


def images_of(batch, height, width):
    shape = (batch, height, width, 3)
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


def test_every_model_has_a_case():
    public = {getattr(models, name) for name in models.__all__}
    public = {x for x in public if inspect.isclass(x)} - {models.Segmenter}
    assert {x.__name__ for x in public} == {n.split(",")[0] for n in MODEL_CASES}
    assert all(getattr(keras_seg, x.__name__) is x for x in public)


@pytest.mark.parametrize("size", [(1, 1), (45, 33)])
def test_any_size_eager_and_compiled(model, size):
    images = images_of(1, *size)
    compiled = model.predict(images, verbose=0)
    assert compiled.shape == (1, *size, NUM_CLASSES)
    eager = ops.convert_to_numpy(model(images, training=False))
    np.testing.assert_allclose(compiled, eager, atol=1e-4)


def test_batch_of_one_is_a_slice_of_a_batch(model):
    images = images_of(2, 45, 33)
    both = ops.convert_to_numpy(model(images, training=False))
    one = ops.convert_to_numpy(model(images[1:], training=False))
    np.testing.assert_allclose(one, both[1:], atol=1e-4)


def test_saved_and_loaded(model, tmp_path):
    images = images_of(1, 45, 33)
    expected = ops.convert_to_numpy(model(images, training=False))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(model)
    assert config_of(again) == config_of(model)
    model.save_weights(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")
    for actual, weight in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(*arrays([actual, weight]))
    model.save(tmp_path / "model.keras")
    model.save_to_preset(tmp_path / "preset")
    for loaded in (
        keras.saving.load_model(tmp_path / "model.keras"),
        type(model).from_preset(tmp_path / "preset"),
    ):
        assert config_of(loaded) == config_of(model)
        actual = ops.convert_to_numpy(loaded(images, training=False))
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def config_of(model):
    config = model.get_config()
    # Keras adds the shape that a layer was built with, as a list or as a tuple.
    config["preprocessor"] = config["preprocessor"]["config"]
    return config


def test_a_step_trains_every_variable_and_void_keeps_them_finite(name):
    """One compiled step with all losses, then one without any label."""
    case, model = MODEL_CASES[name], random_model(name)
    model.compile(keras.optimizers.SGD(1.0))
    images, labels = scene()
    before = arrays(model.trainable_variables)
    logs = model.train_on_batch(images, labels, return_dict=True)
    assert set(logs) == {"loss", "mean_iou", *case.losses}
    assert all(np.isfinite(list(logs.values())))
    after = arrays(model.trainable_variables)
    for variable, old, new in zip(
        model.trainable_variables, before, after, strict=True
    ):
        assert np.isfinite(new).all(), variable.path
        if not variable.path.endswith(case.untrained):
            assert np.abs(new - old).max() > 1e-7, variable.path
    logs = model.train_on_batch(images, np.full_like(labels, VOID), return_dict=True)
    assert np.isfinite(logs["loss"])
    for variable in model.trainable_variables:
        assert np.isfinite(ops.convert_to_numpy(variable)).all(), variable.path


def test_void_changes_nothing(model):
    """Loss and metric are those of the labelled pixels alone."""
    images, labels = scene()
    known = labels != VOID
    outputs = model(images, training=False)
    scores = ops.convert_to_numpy(outputs)[known]  # (N, K)
    log_sum = np.log(np.exp(scores - scores.max(-1, keepdims=True)).sum(-1))
    picked = np.take_along_axis(scores, labels[known][:, None].astype(int), -1)[:, 0]
    expected = np.mean(log_sum + scores.max(-1) - picked)
    loss = model.compute_loss(images, labels, outputs, training=False)
    assert float(ops.convert_to_numpy(loss)) == pytest.approx(expected, rel=1e-4)
    metric = keras_seg.metrics.MeanIoU(NUM_CLASSES, VOID)
    metric.update_state(labels, outputs)
    found = scores.argmax(-1)
    overlaps = [
        np.sum((found == k) & (labels[known] == k))
        / np.sum((found == k) | (labels[known] == k))
        for k in range(NUM_CLASSES)
    ]
    assert float(metric.result()) == pytest.approx(np.mean(overlaps), rel=1e-5)


def test_mixed_precision(name, model):
    """Forward and losses; `test_every_weight_is_trained` has the layers' gradients."""
    mixed = random_model(name, dtype="mixed_bfloat16")
    assert mixed.head.compute_dtype == "bfloat16"
    assert {v.dtype for v in mixed.trainable_variables} == {"float32"}
    images, labels = scene()
    expected = ops.convert_to_numpy(model(images, training=False))
    actual = ops.convert_to_numpy(ops.cast(mixed(images, training=False), "float32"))
    assert np.abs(actual - expected).mean() < 0.1 * expected.std()
    outputs = mixed(images, training=True)
    loss = mixed.compute_loss(images, labels.astype("int32"), outputs)
    assert np.isfinite(ops.convert_to_numpy(loss))


def test_segment_is_the_argmax_of_the_logits(model):
    image = images_of(1, 45, 33)[0]
    labels = model.segment(image)
    logits = ops.convert_to_numpy(model(image[None], training=False))[0]
    second, first = np.sort(logits, axis=-1)[..., -2:].transpose(2, 0, 1)
    sure = first - second > 1e-3
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(labels[sure], np.argmax(logits, -1)[sure])
