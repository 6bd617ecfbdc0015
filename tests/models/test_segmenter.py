"""What all models share: images in, logits out, and how they are trained."""

import json

import keras
import numpy as np
import numpy_reference as reference
import pytest
from keras import ops
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone
from tiny_segmenter import NUM_CLASSES, TinySegmenter

from keras_seg import losses, metrics
from keras_seg.inference import segment

VOID = 255


def images_and_labels(batch=2, height=32, width=32, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (batch, height, width, 3), dtype="uint8")
    labels = rng.choice([0, 1, 2, VOID], (batch, height, width)).astype("uint8")
    return images, labels


def make_model(**kwargs):
    model = TinySegmenter(**kwargs)
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


def values(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


@pytest.fixture(scope="module")
def model():
    return make_model(
        class_names=["a", "b", "c"], palette=np.eye(3) * 200, long_side=40
    )


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 47), (64, 32)])
def test_any_size(model, size):
    images, _ = images_and_labels(2, *size)
    logits = model.predict(images, verbose=0)
    assert logits.shape == (2, *size, NUM_CLASSES)
    assert np.isfinite(logits).all()
    # Integers and floats are two programs, whose last bits may differ.
    from_floats = model.predict(images * 1.0, verbose=0)
    np.testing.assert_allclose(logits, from_floats, atol=1e-5)


def test_outputs():
    model = make_model()
    assert model.output_shape == (None, None, None, NUM_CLASSES)
    assert set(model.training_outputs(images_and_labels()[0])) == {"logits", "square"}


def test_logits_are_those_of_head_and_backbone(model):
    images, _ = images_and_labels(2, 32, 64)
    features = model.backbone.pyramid_outputs
    features = keras.Model(model.backbone.input, [features["P2"], features["P3"]])
    logits = model.head(features(images / 127.5 - 1, training=False))["logits"]
    logits = ops.convert_to_numpy(logits).astype("float64")
    expected = reference.resize_bilinear(logits, 32, 64)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-4)


def test_input_scale_enlarges_the_image_for_the_backbone(model):
    images = images_and_labels(2, 64, 32)[0].astype("float32")
    scaled = make_model(input_scale=1.5)
    assert scaled.output_shape == (None, None, None, NUM_CLASSES)
    enlarged = reference.resize_bilinear(images / 127.5 - 1, 96, 64)
    logits = model.head(model.pyramid(enlarged.astype("float32"), training=False))
    logits = ops.convert_to_numpy(logits["logits"]).astype("float64")
    assert logits.shape == (2, 24, 16, NUM_CLASSES)
    expected = reference.resize_bilinear(logits, 64, 32)
    actual = scaled.predict(images, verbose=0)
    np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_custom_preprocessor_and_levels():
    preprocessor = keras.layers.Rescaling(1 / 255, name="preprocessor")
    model = make_model(preprocessor=preprocessor, pyramid_levels=["P3"])
    images, _ = images_and_labels()
    features = model.backbone(images / 255, training=False)
    logits = ops.convert_to_numpy(model.head([features])["logits"])
    expected = reference.resize_bilinear(logits.astype("float64"), 32, 32)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-4)


class Pairs(keras.utils.PyDataset):
    def __init__(self, images, labels):
        super().__init__()
        self.pairs = images, labels

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.pairs


def sources():
    images, labels = images_and_labels()
    weights = np.ones(labels.shape, "float32")
    yield "numpy", (images, labels), {"batch_size": 1}
    yield "PyDataset", (Pairs(images, labels.astype("int64")),), {}
    batch = (images / 1.0, labels.astype("int32"), weights)
    generator = (batch for _ in range(2))
    yield "generator with pixel weights", (generator,), {"steps_per_epoch": 2}
    if keras.backend.backend() == "tensorflow":
        data = pytest.importorskip("tensorflow").data.Dataset
        yield "tf.data", (data.from_tensor_slices((images, labels)).batch(2),), {}
    if keras.backend.backend() == "torch":
        data = pytest.importorskip("torch.utils.data")
        pairs = list(zip(images, labels.astype("int64"), strict=True))
        yield "DataLoader", (data.DataLoader(pairs, batch_size=2),), {}


def test_every_kind_of_data_trains():
    model = make_model()
    for name, args, kwargs in sources():
        before = values(model.trainable_variables)
        history = model.fit(*args, shuffle=False, verbose=0, **kwargs).history
        assert set(history) == {"loss", "mean_iou", "square_loss"}, name
        assert np.isfinite(list(history.values())).all(), name
        for variable, old in zip(model.trainable_variables, before, strict=True):
            new = ops.convert_to_numpy(variable)
            assert np.abs(new - old).max() > 0, (name, variable.path)


def test_compile_without_arguments():
    """Known losses, void left out, a ten times larger step of the head."""
    model = make_model()
    images, labels = images_and_labels()
    outputs = model.training_outputs(images)
    logits = ops.convert_to_numpy(outputs["logits"]).astype("float64")
    model.backbone.set_weights(make_model().backbone.get_weights())
    before = values(model.trainable_variables)
    history = model.fit(
        images, labels, validation_data=(images, labels), shuffle=False, verbose=0
    ).history

    square = float(ops.convert_to_numpy(outputs["square"]))
    assert history["square_loss"][0] == pytest.approx(square, rel=1e-4)
    expected = reference.segmentation_loss(labels, logits) + 0.5 * square
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)
    iou = reference.class_iou(labels, logits.argmax(-1), NUM_CLASSES)
    assert history["mean_iou"][0] == pytest.approx(np.nanmean(iou), rel=1e-4)
    assert {key for key in history if key.startswith("val_")} == {
        "val_loss",
        "val_mean_iou",
    }
    # The first step of Adam is the learning rate, whatever the gradient.
    for variable, old in zip(model.trainable_variables, before, strict=True):
        rate = 6e-4 if variable.path.startswith("head/") else 6e-5
        decay = 6e-5 * 0.01 * old * (variable.name == "kernel")
        step = np.abs(ops.convert_to_numpy(variable) - old + decay)
        assert np.median(step) == pytest.approx(rate, rel=0.01), variable.path


def test_evaluate_is_the_iou_of_predict(model):
    images, labels = images_and_labels(3)
    results = model.evaluate(images, labels, batch_size=2, return_dict=True, verbose=0)
    logits = model.predict(images, verbose=0).astype("float64")
    iou = reference.class_iou(labels, logits.argmax(-1), NUM_CLASSES)
    assert set(results) == {"loss", "mean_iou"}
    assert results["mean_iou"] == pytest.approx(np.nanmean(iou), rel=1e-5)
    assert len(model.evaluate(images, labels, verbose=0)) == 2


def test_custom_optimizer_loss_and_metrics():
    calls = []

    def own_loss(y_true, y_pred):
        calls.append(y_pred.shape)
        return losses.SegmentationLoss(jaccard=1.0)(y_true, y_pred)

    model = make_model()
    metric = metrics.MeanIoU(NUM_CLASSES, name="own_metric")
    model.compile(keras.optimizers.SGD(0.01), loss=own_loss, metrics=[metric])
    images, labels = images_and_labels()
    before = values(model.head.trainable_variables)
    history = model.fit(images, labels, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert set(history) == {"loss", "own_metric", "square_loss"}
    after = values(model.head.trainable_variables)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))
    if keras.backend.backend() == "tensorflow":
        assert len(calls) == 1  # one trace, though the optimizer made variables


@pytest.mark.parametrize("frozen", [True, False])
def test_freeze_backbone_norm(frozen):
    model = make_model(freeze_backbone_norm=frozen)
    norms = [layer for layer in model.backbone.layers if "norm" in layer.name]
    moving = values([v for norm in norms for v in norm.non_trainable_variables])
    gammas = values([norm.gamma for norm in norms])
    model.fit(*images_and_labels(), verbose=0)
    after = values([v for norm in norms for v in norm.non_trainable_variables])
    for old, new in zip(moving, after, strict=True):
        assert np.array_equal(old, new) == frozen
    for old, norm in zip(gammas, norms, strict=True):
        assert np.abs(ops.convert_to_numpy(norm.gamma) - old).max() > 0


def test_config_and_saved_file(model, tmp_path):
    images, _ = images_and_labels()
    expected = model.predict(images, verbose=0)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(images, verbose=0), expected, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=1e-6)
    for other in (again, loaded):
        config = other.get_config()
        for key, value in model.get_config().items():
            assert key == "preprocessor" or config[key] == value
        assert other.class_names == ["a", "b", "c"]
        assert other.palette == [[200, 0, 0], [0, 200, 0], [0, 0, 200]]
        assert other.ignore_class == VOID and other.pyramid_levels == ["P2", "P3"]
        assert other.long_side == 40


def test_segment_downscales_to_the_long_side_of_the_model(model):
    image = images_and_labels(1, 64, 80)[0][0]
    expected = segment(model, image, long_side=40)
    np.testing.assert_array_equal(model.segment(image), expected)
    whole = np.argmax(model.predict_on_batch(image[None])[0], axis=-1)
    np.testing.assert_array_equal(model.segment(image, long_side=0), whole)
    assert (expected != whole).any()


def test_a_saved_model_continues_training_as_compiled(tmp_path):
    model = make_model()
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        loss=losses.SegmentationLoss(jaccard=1.0),
        metrics=[metrics.MeanIoU(NUM_CLASSES, name="own_metric")],
    )
    images, labels = images_and_labels()
    model.fit(images, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = model.fit(images, labels, epochs=2, verbose=0).history
    actual = loaded.fit(images, labels, epochs=2, verbose=0).history
    assert set(expected) == set(actual) == {"loss", "own_metric", "square_loss"}
    for key, values_ in expected.items():
        assert actual[key] == pytest.approx(values_, rel=1e-4)


def test_mixed_precision_and_labels_with_a_channel():
    model = make_model(backbone=TinyBackbone(num_levels=2, dtype="mixed_bfloat16"))
    assert model.compute_dtype == "bfloat16"
    images, labels = images_and_labels()
    history = model.fit(images, labels[..., None], verbose=0).history
    assert np.isfinite(list(history.values())).all()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"backbone": keras.Sequential()}, "must have pyramid outputs.*Sequential"),
        ({"pyramid_levels": ["P2", "P7"]}, r"\['P7'\].*It has: \['P2', 'P3'\]"),
        ({"palette": [[0, 0, 0]] * 4}, "`palette`.* 4 entries for num_classes=3"),
        ({"class_names": ["road"]}, "`class_names`.* 1 entries for num_classes=3"),
        ({"ignore_class": 2}, "ignore_class=2 with num_classes=3"),
        ({"long_side": 0}, "`long_side`.*long_side=0"),
        ({"long_side": "384"}, "`long_side`.*'384'"),
        ({"num_classes": 0}, "at least 2.*Received: num_classes=0"),
        ({"input_scale": 0.5}, "at least 1. Received: scale=0.5"),
    ],
)
def test_errors(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TinySegmenter(**kwargs)
