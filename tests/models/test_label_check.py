"""Labels that are not class ids are refused before a step, from any kind of data."""

import contextlib
import pickle
import warnings

import keras
import numpy as np
import pytest
from keras import ops
from tiny_backbone import TinyBackbone
from tiny_segmenter import TinySegmenter

import keras_seg
from keras_seg import losses, metrics
from keras_seg.models.label_check import SUSPICIOUS_BATCHES, LabelCheck

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), "uint8")
LABELS = np.random.default_rng(1).integers(0, 3, (4, 16, 16)).astype("uint8")


class Batches(keras.utils.PyDataset):
    def __init__(self, labels, **kwargs):
        super().__init__()
        self.labels = labels
        self.__dict__.update(kwargs)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return IMAGES[index : index + 1], self.labels[index : index + 1]


def generator(labels):
    return (Batches(labels)[i] for i in range(4))


def tf_data(labels):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(1)


def data_loader(labels):
    data = pytest.importorskip("torch").utils.data
    return data.DataLoader(list(zip(IMAGES, labels, strict=True)), batch_size=1)


@pytest.fixture(scope="module")
def model():
    return TinySegmenter()


def with_value(value, dtype="int32"):
    labels = LABELS.astype(dtype)
    labels[-1, 3, 4] = value  # in the last batch alone
    return labels


WRONG = {
    "one-hot": (np.eye(3)[LABELS], r"one-hot.*np\.argmax\(labels, axis=-1\)"),
    "id out of range": (with_value(3), r"not a class: 3\..*num_classes=3.*void is 255"),
    "void -1": (with_value(-1), r"not a class: -1\..*np\.where\(labels == -1, 255"),
    "probability": (with_value(0.5, "float32"), r"not integers, such as 0\.5"),
    "nan": (with_value(np.nan, "float32"), "not integers"),
    "half the size": (LABELS[:, ::2, ::2], r"\(\d, 8, 8\).*\(\d, 16, 16, 3\).*Resize"),
    "colours": (np.stack([LABELS] * 4, -1), "look like colours"),
}
SOURCES = [Batches, generator, tf_data, data_loader]


@pytest.mark.parametrize("case", WRONG)
def test_arrays(model, case):
    labels, message = WRONG[case]
    steps = int(model.optimizer.iterations)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(IMAGES, labels, verbose=0)
    for call in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=message):
            call(IMAGES, labels)
    with pytest.raises(ValueError, match=message):
        model.fit(IMAGES, LABELS, validation_data=(IMAGES, labels), verbose=0)
    assert int(model.optimizer.iterations) == steps


@pytest.mark.parametrize("source", SOURCES)
def test_a_later_batch_of_any_source(model, source):
    """The error is a ValueError on every backend, in training and evaluation."""
    labels, message = WRONG["id out of range"]
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(source(labels), verbose=0)
    with pytest.raises(ValueError, match=message):
        model.fit(
            IMAGES, LABELS, validation_data=source(labels), verbose=0, batch_size=2
        )


def test_correct_labels_are_not_changed(model):
    expected = model.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)
    for labels in (LABELS[..., None], LABELS.astype("float32"), LABELS.astype("int8")):
        actual = model.evaluate(IMAGES, labels, verbose=0, return_dict=True)
        assert actual == pytest.approx(expected, rel=1e-5)
    as_float = tf_data(LABELS.astype("float32"))
    actual = model.evaluate(as_float, verbose=0, return_dict=True)
    assert actual["mean_iou"] == pytest.approx(expected["mean_iou"], rel=1e-5)
    check = LabelCheck(3, 255)
    assert check(LABELS) is LABELS and check(LABELS == 1).max() == 1
    assert pickle.loads(pickle.dumps(check))(LABELS) is LABELS  # noqa: S301


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((4, 3, 16, 16), "moveaxis"),
        ((4, 16, 16, 1), "np.repeat"),
        ((4, 16, 16, 4), "alpha"),
        ((4, 16, 16), "np.stack"),
        ((16, 16, 3), "images.None."),
    ],
)
def test_images_of_another_shape(model, shape, advice):
    with pytest.raises(ValueError, match=rf"\(batch, height, width, 3\).*{advice}"):
        model.fit(np.zeros(shape, "uint8"), LABELS[: shape[0]], verbose=0)


def test_white_masks(model):
    white = np.where(LABELS > 0, 255, 0)
    with pytest.raises(ValueError, match=r"0 and 255.*labels // 255"):
        model.fit(IMAGES, white, verbose=0)
    model.evaluate(IMAGES[:1], white[:1], verbose=0)  # one image may be like that
    check = LabelCheck(3, 255)
    for _ in range(SUSPICIOUS_BATCHES - 1):
        check(white)
    with pytest.warns(UserWarning, match="0 and 255"):
        check(white)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(white)  # once
        check = LabelCheck(3, 255)
        check(LABELS)
        for _ in range(2 * SUSPICIOUS_BATCHES):
            check(white)


@pytest.mark.parametrize("per_image", [(16,), (16, 1)])
def test_sample_weights_of_images(per_image):
    """16 images of 16 x 16 pixels: a wrong broadcast would go unseen."""
    model = TinySegmenter()
    images, labels = (np.concatenate([x] * 4) for x in (IMAGES, LABELS))
    weights = np.zeros(16, "float32")
    weights[1] = 16
    pixels = np.broadcast_to(weights[:, None, None], labels.shape)
    only = model.evaluate(images[1:2], labels[1:2], verbose=0)[0]
    for weight in (weights.reshape(per_image), pixels, pixels[..., None]):
        loss = model.evaluate(
            images, labels, sample_weight=weight, batch_size=16, verbose=0
        )[0]
        assert loss == pytest.approx(only, rel=1e-4)
    with pytest.raises(ValueError, match=r"one weight for each image.*\(16, 16\)"):
        TinySegmenter().evaluate(
            images, labels, sample_weight=pixels[:, 0], batch_size=16, verbose=0
        )


def test_class_weight_names_the_loss(model):
    message = r"SegmentationLoss\(class_weights=\[1\.0, 5\.0, 1\.0\]\)"
    with pytest.raises(ValueError, match=message):
        model.fit(IMAGES, LABELS, class_weight={1: 5}, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.train_on_batch(IMAGES, LABELS, class_weight={1: 5})


def test_one_void_from_the_data_to_the_metric(model):
    with pytest.raises(ValueError, match="ignore_class=254.*ignore_class=255"):
        model.fit(Batches(LABELS, ignore_class=254), verbose=0)
    with pytest.raises(ValueError, match="ignore_class=254.*ignore_class=255"):
        model.fit(
            IMAGES, LABELS, validation_data=Batches(LABELS, ignore_class=254), verbose=0
        )
    other = TinySegmenter()
    for kwargs in (
        {"loss": losses.SegmentationLoss(ignore_class=254)},
        {"metrics": [metrics.MeanIoU(3, ignore_class=254)]},
    ):
        with pytest.raises(ValueError, match="ignore_class=254"):
            other.compile(**kwargs)
    other.compile(metrics=[metrics.MeanIoU(3, ignore_class=0)])  # a class left out
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    other.compile(loss=plain)
    with pytest.raises(ValueError, match="contain void, 255, but the loss"):
        other.fit(IMAGES, with_value(255), verbose=0)


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy(ignore_class=255),
    ],
)
def test_losses_of_probabilities_are_refused(loss):
    with pytest.raises(ValueError, match="returns logits.*from_logits=True"):
        TinySegmenter().compile(loss=loss)


def test_numbers_of_classes():
    with pytest.raises(ValueError, match="background counts.*num_classes=2"):
        keras_seg.ECENet(TinyBackbone(2), num_classes=1, hidden_dim=8)
    for metric in (metrics.MeanIoU, metrics.PixelAccuracy, metrics.MeanClassAccuracy):
        with pytest.raises(ValueError, match="background counts.*num_classes=2"):
            metric(1)
    with pytest.raises(ValueError, match="ignore_class=65535"):
        keras_seg.ECENet(TinyBackbone(2), num_classes=300, hidden_dim=8)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_classes": 1}, "background counts.*num_classes=2"),
        ({"num_classes": 3, "classes_learned": [1]}, "at least 2.*=\\[1\\]"),
        ({"num_classes": 3, "ignore_class": None}, "must be an integer.*None"),
        ({"num_classes": 3, "ignore_class": "255"}, "must be an integer.*'255'"),
        ({"num_classes": 3, "ignore_class": 255.0}, "must be an integer.*255.0"),
    ],
)
def test_arguments_of_models_that_cannot_be_right(arguments, message):
    for method in (keras_seg.ECENet, keras_seg.CPT, keras_seg.SGR):
        with pytest.raises(ValueError, match=message):
            method(TinyBackbone(2), hidden_dim=8, **arguments)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: metrics.RegionSemantics(1), "num_labels=2"),
        (lambda: metrics.RegionDiversity(True), "num_labels=True"),
        (lambda: metrics.RegionDiversity(2, 0), "num_regions=0"),
        (lambda: metrics.CalibrationError(1.5), "num_bins=1.5"),
        (lambda: losses.SegmentationLoss(class_weights=[1]), r"\[1.0\]"),
        (lambda: losses.SegmentationLoss(class_weights=[1, -1]), "-1.0"),
        (lambda: losses.SegmentationLoss(class_weights=[1, np.nan]), "nan"),
        (lambda: losses.SegmentationLoss(class_weights=[0, 0]), "not all 0"),
        (lambda: losses.SegmentationLoss(jaccard=-1), "jaccard=-1"),
        (lambda: losses.SegmentationLoss(label_smoothing=1), "label_smoothing=1"),
    ],
)
def test_arguments_of_losses_and_metrics_that_cannot_be_right(make, message):
    with pytest.raises(ValueError, match=message):
        make()


STRAY = np.array([[[0, 1, 7, 255]]])
LOGITS = np.zeros((1, 1, 4, 3), "float32")


@pytest.mark.parametrize(
    "function",
    [
        metrics.MeanIoU(3).update_state,
        metrics.PixelAccuracy(3).update_state,
        metrics.MeanClassAccuracy(3).update_state,
        metrics.CalibrationError().update_state,
        metrics.RegionSemantics(3).update_state,
        metrics.RegionDiversity(3).update_state,
        losses.SegmentationLoss(),
        losses.focal_mask_loss,
        losses.dice_mask_loss,
    ],
)
@pytest.mark.parametrize("convert", [np.asarray, ops.convert_to_tensor])
def test_stray_ids_in_arrays_and_tensors(function, convert):
    with pytest.raises(ValueError, match=r"=3 and void 255.*the ids \[7\]"):
        function(convert(STRAY), convert(LOGITS))
    with pytest.raises(ValueError, match="which are integers"):
        function(convert(STRAY * 0 + 0.5), convert(LOGITS))
    function(convert(np.minimum(STRAY, 2)), convert(LOGITS))


def test_sizes_that_differ():
    truth = np.zeros((1, 2, 4), "int32")
    for shape in ((1, 4, 2), (1, 2, 4, 1), (1, 4, 2, 1), (1, 4, 2, 3), (2, 2, 2)):
        metric, fits = metrics.MeanIoU(3), shape == (1, 2, 4, 1)
        with (
            contextlib.nullcontext()
            if fits
            else pytest.raises(ValueError, match="size")
        ):
            metric.update_state(truth, np.zeros(shape, "int32"))


def test_nan_is_a_miss():
    metric = metrics.MeanIoU(3)
    metric.update_state(np.zeros((1, 1, 4), "int32"), LOGITS * np.nan)
    assert float(metric.result()) == 0 and metric.confusion_matrix()[0, 3] == 4
    metric.reset_state()
    low = np.where(np.arange(3) == 1, 0, -np.inf).astype("float32")
    metric.update_state(np.ones((1, 1, 4), "int32"), LOGITS + low)
    assert float(metric.result()) == 1


@pytest.mark.parametrize("ids, maps", [(5, None), (-1, None), (None, 4)])
def test_regions_that_do_not_exist(ids, maps):
    truth = np.zeros((2, 2, 2), "int32")
    regions = np.full((2, 2, 2), ids) if maps is None else np.zeros((2, 2, 2, maps))
    metric = metrics.RegionSemantics(3, num_regions=2)
    for convert in (np.asarray, ops.convert_to_tensor):
        with pytest.raises(ValueError, match="num_regions|0 to 1"):
            metric.update_state(truth, convert(regions))


def test_fit_checks_labels_once():
    """A void that the metric does not know is no error on one backend alone."""
    metric = metrics.MeanIoU(3, ignore_class=None)
    model = TinySegmenter()
    model.compile(metrics=[metric])
    labels = np.full((1, 16, 16), 255, "int32")
    labels[:, :8] = 1
    model.fit(IMAGES[:1], labels, validation_data=(IMAGES[:1], labels), verbose=0)
    with pytest.raises(ValueError, match="no void"):
        metric.update_state(ops.convert_to_tensor(labels), labels)


def test_metrics_and_losses_take_class_ids():
    one_hot = np.eye(3, dtype="float32")[LABELS]
    for thing in (
        metrics.MeanIoU(3).update_state,
        metrics.CalibrationError().update_state,
        metrics.RegionSemantics(3).update_state,
        losses.SegmentationLoss(),
        losses.focal_mask_loss,
        losses.dice_mask_loss,
    ):
        for labels in (one_hot, ops.convert_to_tensor(one_hot)):
            with pytest.raises(ValueError, match=r"np\.argmax\(labels, axis=-1\)"):
                thing(labels, one_hot)
    metric = metrics.MeanIoU(2)
    truth = (LABELS > 0)[..., None]
    with pytest.raises(ValueError, match="y_pred > 0.5"):
        metric.update_state(truth, truth * 0.8)
    with pytest.raises(ValueError, match="labels > 0.5"):
        metric.update_state(truth * 0.8, truth.astype("int32"))
    metric.update_state(truth, (truth * 0.8 > 0.5))
    assert float(metric.result()) == 1
    with pytest.raises(ValueError, match=r"the ids \[2\]"):
        metric.update_state(LABELS, LABELS)
