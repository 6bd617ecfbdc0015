"""Batches are reproducible, and `fit` gets those of the right epoch."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_seg.data import (
    SegmentationFolder,
    TrainAugmentation,
    evaluation_dataset,
    training_dataset,
)
from keras_seg.data.batches.epoch_counter import EpochCounter
from keras_seg.data.batches.map_labels import map_labels


class Numbered:
    """Images of the value of their place."""

    num_classes = 3

    def __init__(self, sizes):
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, index):
        image = np.full((*self.sizes[index], 3), index, "uint8")
        return image, np.full(self.sizes[index], index % 3, "uint8")


def numbers(dataset):
    return [batch[0][:, 0, 0, 0].tolist() for batch in dataset]


def tiny_model(channels=3):
    model = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(channels, 1)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(True, ignore_class=255)
    model.compile("sgd", loss)
    return model


def test_shapes_and_types():
    source = Numbered([(20, 30), (40, 10), (9, 9)])
    dataset = training_dataset(source, 2, TrainAugmentation((16, 24)))
    images, labels = dataset[0]
    assert images.shape == (2, 16, 24, 3) and images.dtype == np.uint8
    assert labels.shape == (2, 16, 24) and labels.dtype == np.int32


def test_same_seed_same_batches_other_epoch_other_batches():
    source = Numbered([(20, 30)] * 6)

    def make(seed, epoch=0):
        augmentation = TrainAugmentation((16, 16))
        return training_dataset(source, 2, augmentation, seed, initial_epoch=epoch)

    first, again = make(1), make(1)
    for index in (2, 0, 1):  # in any order
        for a, b in zip(first[index], again[index], strict=True):
            np.testing.assert_array_equal(a, b)
    assert (first[0][0] != make(2)[0][0]).any()
    before = first[0][0]
    first.on_epoch_end()
    assert first.epoch == 1
    assert (first[0][0] != before).any()
    np.testing.assert_array_equal(first[0][0], make(1, epoch=1)[0][0])


def test_no_crop_comes_twice():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 60, 3), dtype="uint8")
    source = [(image, np.zeros((60, 60), "uint8"))]
    dataset = training_dataset(source, 4, TrainAugmentation((9, 9)), steps_per_epoch=3)
    crops = []
    for _ in range(3):
        crops += [crop.tobytes() for images, _ in dataset for crop in images]
        dataset.on_epoch_end()
    assert len(set(crops)) == len(crops) == 36


def test_every_image_comes_once_in_each_pass():
    dataset = training_dataset(Numbered([(4, 4)] * 7), 2)
    assert len(dataset) == 3
    seen = []
    for _ in range(7):  # 7 epochs of 6 images are 6 passes over 7 images
        seen += sum(numbers(dataset), [])
        dataset.on_epoch_end()
    passes = [seen[start : start + 7] for start in range(0, 42, 7)]
    assert all(sorted(one) == list(range(7)) for one in passes)
    assert len(set(map(tuple, passes))) > 4


def test_pasted_pixels_come_from_another_image_with_their_labels():
    source = Numbered([(8, 8)] * 30)  # the class of image i is i % 3
    options = {"workers": 0, "paste_classes": [2]}
    pasted = training_dataset(source, 30, paste_probability=0.5, **options)
    images, labels = pasted[0]
    values, ids = images[:, 0, 0, 0], labels[:, 0, 0]
    assert (values % 3 == ids).all()  # image and label stay together
    before = training_dataset(source, 30, workers=0)[0][0][:, 0, 0, 0]
    changed = values != before
    assert 1 <= changed.sum() <= 12  # about 30 / 2 / 3, where class 2 was drawn
    assert (ids[changed] == 2).all()
    again, _ = training_dataset(source, 30, paste_probability=0.5, **options)[0]
    np.testing.assert_array_equal(images, again)


def test_only_pixels_of_the_classes_are_pasted():
    half = np.zeros((6, 8), "uint8")
    half[:, 4:] = 1
    pairs = [(np.full((6, 8, 3), 10 * i, "uint8"), half) for i in range(4)]
    dataset = training_dataset(
        pairs, 4, workers=0, paste_classes=[1], paste_probability=1.0
    )
    images, labels = dataset[0]
    assert sorted(images[:, 0, 0, 0]) == [0, 10, 20, 30]  # class 0 stays
    assert (images[:, 0, 7] != images[:, 0, 0]).any()
    assert (labels == half).all()


def test_pasting_needs_one_size_and_a_probability():
    dataset = training_dataset(
        Numbered([(8, 8), (9, 9)]), 1, paste_classes=[1], paste_probability=1.0
    )
    with pytest.raises(ValueError, match="needs images of one size.*Received"):
        for index in range(20):
            dataset.make_batch(index)
    with pytest.raises(ValueError, match="`paste_probability` must.*Received"):
        training_dataset(Numbered([(8, 8)]), 1, paste_probability=1.5)


def test_few_images_fill_a_batch_and_steps_can_be_set():
    source = Numbered([(4, 4)] * 2)
    assert training_dataset(source, 5)[0][0].shape == (5, 4, 4, 3)
    assert len(training_dataset(source, 5, steps_per_epoch=9)) == 9


def test_bad_arguments():
    source = Numbered([(4, 4), (5, 5)])
    with pytest.raises(ValueError, match="batch_size=0"):
        training_dataset(source, 0)
    with pytest.raises(ValueError, match="steps_per_epoch=0"):
        training_dataset(source, 1, steps_per_epoch=0)
    with pytest.raises(ValueError, match="`source` is empty"):
        training_dataset([], 1)
    with pytest.raises(ValueError, match="one size.*TrainAugmentation"):
        training_dataset(source, 2)[0]
    with pytest.raises(ValueError, match="batch_size=0"):
        evaluation_dataset(source, 0)
    with pytest.raises(ValueError, match="`source` is empty"):
        evaluation_dataset([])


class LastBatch(keras.metrics.Metric):
    """A number that tells which labels the last step had."""

    def __init__(self):
        super().__init__(name="code")
        self.code = self.add_variable((), "zeros", name="code")

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = keras.ops.convert_to_tensor(WEIGHTS)
        self.code.assign(keras.ops.sum(keras.ops.cast(y_true, "float32") * weights))

    def result(self):
        return self.code + 0.0


WEIGHTS = np.random.default_rng(3).integers(1, 99, (2, 8, 8)).astype("float32")
RANDOM = np.random.default_rng(0)
PAIRS = [
    (np.zeros((12, 12, 3), "uint8"), RANDOM.integers(0, 3, (12, 12)).astype("uint8"))
    for _ in range(9)
]
WHOLE = [(image[:8, :8], label[:8, :8]) for image, label in PAIRS]


def recording_model(channels=3):
    model = tiny_model(channels)
    model.compile("sgd", model.loss, metrics=[LastBatch()])
    return model


def make_dataset(workers, initial_epoch=0, **kwargs):
    augmentation = TrainAugmentation((8, 8), (1, 1), photometric=False)
    return training_dataset(
        PAIRS, 2, augmentation, 5, workers, initial_epoch=initial_epoch, **kwargs
    )


def codes(steps, steps_per_epoch=4):
    """What the batches with these numbers give, counted from epoch 0 on."""
    dataset = make_dataset(0, steps_per_epoch=steps_per_epoch)
    return [float((dataset.make_batch(i)[1] * WEIGHTS).sum()) for i in steps]


def trained_on(model, dataset, **kwargs):
    seen = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(float(logs["code"]))
    )
    model.fit(dataset, callbacks=[record], verbose=0, **kwargs)
    return seen


@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_fit_trains_on_the_batches_from_epoch_0_on(workers):
    """Also where it is resumed, and where the model was compiled anew in between."""
    model = recording_model()
    dataset = make_dataset(workers)
    validation = evaluation_dataset(WHOLE[:4], 2, workers)
    seen = trained_on(model, dataset, epochs=3, validation_data=validation)
    assert seen == codes(range(12))
    assert dataset.epoch == 3
    model.compile("sgd", model.loss, metrics=[LastBatch()])
    resumed = {"initial_epoch": 3, "epochs": 5}
    expected = codes(range(12, 20))
    assert trained_on(model, dataset, **resumed) == expected
    for shuffle in (False, True):
        dataset = make_dataset(workers, 3)
        assert trained_on(model, dataset, shuffle=shuffle, **resumed) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_fit_may_have_steps_of_its_own(workers):
    seen = trained_on(
        recording_model(), make_dataset(workers), steps_per_epoch=2, epochs=4
    )
    assert seen == codes(range(8))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_epoch_of_one_batch(workers):
    model = recording_model()
    dataset = make_dataset(workers, steps_per_epoch=1)
    assert trained_on(model, dataset, epochs=3) == codes(range(3), 1)
    model.compile("sgd", model.loss, metrics=[LastBatch()])
    assert trained_on(model, dataset, epochs=2) == codes(range(3, 5), 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_epoch_that_was_interrupted_is_done_again(workers):
    model, dataset = recording_model(), make_dataset(workers)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(dataset, callbacks=[Stop()], verbose=0)
    assert trained_on(model, dataset) == codes(range(4))


@pytest.mark.no_backend
def test_an_interrupted_epoch_of_which_all_batches_were_asked_for():
    counter = EpochCounter(num_batches=2)
    counter.begin_run()
    counter.end_epoch()
    counter.begin_epoch()
    assert [counter.locate(i) for i in range(2)] == [(0, 0), (0, 1)]
    counter.begin_run()  # without `end_epoch`
    assert counter.epoch == 0
    counter.end_epoch()
    counter.begin_epoch()
    assert [counter.locate(i) for i in range(2)] == [(0, 0), (0, 1)]
    counter.end_epoch()
    assert counter.epoch == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_with_regions_trains_on_the_same_batches(workers):
    dataset, function = make_dataset(workers), lambda labels, shape: labels + 1
    mapped, _ = map_labels(dataset, None, function)
    model = tiny_model(4)
    model.compile("sgd", model.loss, metrics=[LastBatch()])
    assert trained_on(model, mapped, epochs=2) == [
        code + WEIGHTS.sum() for code in codes(range(8))
    ]


@pytest.mark.parametrize("workers", [0, 2, 4])
def test_evaluate_sees_each_image_once(workers):
    model = recording_model()
    dataset = evaluation_dataset(WHOLE, 2, workers)
    seen = []
    record = keras.callbacks.LambdaCallback(
        on_test_batch_end=lambda batch, logs: seen.append(float(logs["code"]))
    )
    model.evaluate(dataset, steps=4, callbacks=[record], verbose=0)
    labels = [dataset[i][1] for i in range(4)]
    assert seen == [float((label * WEIGHTS).sum()) for label in labels]


def test_workers_pass_on_errors():
    class Broken(Numbered):
        def __getitem__(self, index):
            raise ValueError("the mask 'x.png' is broken")

    dataset = training_dataset(Broken([(8, 8)] * 4), 2, TrainAugmentation((8, 8)))
    with pytest.raises(Exception, match="x.png' is broken"):
        tiny_model().fit(dataset, verbose=0)


def test_evaluation_is_in_order_and_unchanged():
    source = Numbered([(6, 4)] * 5)
    dataset = evaluation_dataset(source, 2)
    assert numbers(dataset) == [[0, 1], [2, 3], [4]] == numbers(dataset)
    assert dataset[0][0].dtype == np.uint8 and dataset[0][1].dtype == np.int32
    np.testing.assert_array_equal(dataset[2][1][0], source[4][1])


@pytest.mark.parametrize(
    "sizes",
    [
        [(6, 4), (8, 4), (6, 4), (8, 4), (6, 4)],
        [(6, 4), (6, 4), (6, 4), (6, 8)],
        [(6, 4), (6, 5), (7, 4)],
        [(6, 4), (6, 4), (7, 5), (9, 9), (6, 4)],
    ],
)
def test_evaluation_of_unequal_sizes(sizes):
    source = Numbered(sizes)
    dataset = evaluation_dataset(source, 2)
    indices = sum(dataset.batches, [])
    assert sorted(indices) == list(range(len(sizes)))
    assert sum(numbers(dataset), []) == indices
    loss = tiny_model().evaluate(dataset, verbose=0)
    assert np.isfinite(loss)


class Labelled:
    """One image with a given label map."""

    num_classes, names = 3, ["street"]

    def __init__(self, label, **attributes):
        self.label = label
        vars(self).update(attributes)

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return np.zeros((8, 8, 3), "uint8"), self.label


def make_datasets(source):
    yield training_dataset(source, 1)
    yield evaluation_dataset(source)


@pytest.mark.parametrize(
    "label, ids",
    [
        (np.ones((8, 8), bool), [1]),
        (np.ones((8, 8, 1), "float32"), [1]),
        (np.full((8, 8), 2, "int64"), [2]),
        (np.full((8, 8), 255, "uint16"), [255]),
    ],
)
def test_labels_of_many_kinds(label, ids):
    for dataset in make_datasets(Labelled(label)):
        labels = dataset[0][1]
        assert labels.shape == (1, 8, 8) and labels.dtype == np.int32
        assert np.unique(labels).tolist() == ids


@pytest.mark.parametrize(
    "label, message",
    [
        (np.full((8, 8), 3, "uint8"), r"'street' holds the ids \[3\], expected 0 to 2"),
        (np.full((8, 8), -1, "int8"), r"holds the ids \[-1\].* or 255 for void"),
        (np.full((8, 8), 2**40), r"holds the ids \[1099511627776\]"),
        (np.full((8, 8), 0.5), "not integers.*argmax"),
        (np.full((8, 8), np.nan), "not integers"),
        (np.zeros((8, 8, 3), "uint8"), "argmax.* of one-hot"),
        (np.zeros((8, 9), "uint8"), r"\(8, 9\), expected.*nearest"),
        (np.full((8, 8), "a"), "must hold class ids as integers"),
    ],
)
def test_labels_that_cannot_be_right_name_their_image(label, message):
    for dataset in make_datasets(Labelled(label)):
        with pytest.raises(ValueError, match=message):
            dataset[0]


def test_one_void_from_the_source_to_the_batches():
    label = np.full((8, 8), 254, "uint8")
    source = Labelled(label, ignore_class=254)
    with pytest.raises(ValueError, match=r"=254.*=255.*TrainAugmentation\(.*=254"):
        training_dataset(source, 1, TrainAugmentation((9, 9)))
    augmentation = TrainAugmentation((16, 16), ignore_class=254)
    dataset = training_dataset(source, 1, augmentation)
    assert dataset.ignore_class == evaluation_dataset(source).ignore_class == 254
    assert np.unique(dataset[0][1]).tolist() == [254]
    assert training_dataset([source[0]], 1).ignore_class is None
    assert training_dataset([source[0]], 1, augmentation).ignore_class == 254


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_vanishes_during_the_training_is_named(tmp_path, workers):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.new("RGB" if name == "images" else "L", (8, 8)).save(
                tmp_path / name / f"{i}.png"
            )
    source = SegmentationFolder(tmp_path / "images", tmp_path / "masks", num_classes=3)
    dataset = training_dataset(source, 2, workers=workers, cache=False)
    remove = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: (tmp_path / "masks" / "2.png").unlink()
    )
    with pytest.raises(Exception, match=r"2\.png"):
        tiny_model().fit(dataset, epochs=2, callbacks=[remove], verbose=0)
    assert isinstance(dataset.failure, (OSError, ValueError))
    assert "2.png" in str(dataset.failure)
