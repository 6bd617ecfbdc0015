"""Batches are reproducible, and `fit` gets those of the right epoch."""

import keras
import numpy as np
import pytest

from keras_seg.data import TrainAugmentation, evaluation_dataset, training_dataset


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


def tiny_model():
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1)])
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


def test_fit_asks_each_epoch_for_its_own_batches():
    source = Numbered([(8, 8)] * 8)

    def asked_by_fit(initial_epoch, epochs):
        asked = []
        dataset = training_dataset(
            source, 2, TrainAugmentation((8, 8)), initial_epoch=initial_epoch
        )
        original = type(dataset)

        class Recorded(original):
            def __getitem__(self, index):
                asked.append((self.epoch, index))
                return original.__getitem__(self, index)

        dataset.__class__ = Recorded
        history = tiny_model().fit(
            dataset,
            initial_epoch=initial_epoch,
            epochs=epochs,
            validation_data=evaluation_dataset(source, 4),
            verbose=0,
        )
        assert np.isfinite(history.history["val_loss"]).all()
        assert dataset.epoch == epochs + 1
        # Before training Keras may look at batches of the epoch before it.
        return {call for call in asked if call[0] > initial_epoch}

    expected = {(epoch, index) for epoch in (1, 2, 3) for index in range(4)}
    assert asked_by_fit(0, 3) == expected
    assert asked_by_fit(2, 3) == {call for call in expected if call[0] == 3}


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
