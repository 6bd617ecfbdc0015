"""A `PyDataset` of one's own: the same batches with any number of workers."""

import threading
import time

import keras
import numpy as np
import pytest
from test_data_batches import (
    WEIGHTS,
    codes,
    make_dataset,
    recording_model,
    trained_on,
)
from tiny_segmenter import TinySegmenter

from keras_seg.data.batches.map_labels import map_labels, read_batches


class Own(keras.utils.PyDataset):
    """Batches whose labels tell their index and the epoch."""

    def __init__(self, workers=0, length=5, **kwargs):
        super().__init__(workers=workers, **kwargs)
        self.length, self.epoch, self.told = length, 0, []
        self.threads = set()

    @property
    def num_batches(self):
        return self.length

    def __getitem__(self, index):
        self.threads.add(threading.get_ident())
        time.sleep(0.002 * (index % 3))  # the later ones may be ready first
        labels = np.full((2, 8, 8), index, "int32")
        labels[:, 0, 0] = self.epoch
        return np.zeros((2, 8, 8, 3), "uint8"), labels

    def on_epoch_begin(self):
        self.told.append("begin")

    def on_epoch_end(self):
        self.told.append("end")
        self.epoch += 1


def code(index, epoch):
    labels = np.full((2, 8, 8), index)
    labels[:, 0, 0] = epoch
    return float((labels * WEIGHTS).sum())


@pytest.mark.parametrize("length", [1, 5])
@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_each_epoch_in_order(workers, length):
    model, own = recording_model(16), Own(workers, length)
    for first in (0, 3):  # the second time the model is built
        own.told.clear()
        dataset, _ = map_labels(own, None, lambda labels, shape: labels)
        seen = trained_on(model, dataset, epochs=3, shuffle=False)
        epochs = range(first, first + 3)
        assert seen == [code(i, epoch) for epoch in epochs for i in range(length)]
        assert own.told == ["begin", "end"] * 3
    if workers >= 2 and length > 1:
        assert len(own.threads) >= 2


def test_shuffled_alike_with_any_number_of_workers():
    orders = []
    for workers in (0, 1, 2, 4):
        model, own = recording_model(16), Own(workers)
        keras.utils.set_random_seed(7)
        dataset, _ = map_labels(own, None, lambda labels, shape: labels, shuffle=True)
        seen = np.reshape(trained_on(model, dataset, epochs=3), (3, 5))
        for epoch in range(3):
            assert sorted(seen[epoch]) == sorted(code(i, epoch) for i in range(5))
        orders.append(seen.tolist())
    assert orders[0] == orders[1] == orders[2] == orders[3]
    assert len({tuple(np.argsort(epoch)) for epoch in orders[0]}) > 1


@pytest.mark.parametrize("workers", [0, 2])
def test_an_endless_dataset(workers):
    own = Own(workers, None)
    dataset, _ = map_labels(own, None, lambda labels, shape: labels % 16)
    seen = trained_on(recording_model(16), dataset, epochs=2, steps_per_epoch=3)
    if keras.config.backend() != "tensorflow":  # it reads ahead of the epochs itself
        assert seen == [code(i, i // 3) for i in range(6)]
    assert own.told[:2] == ["begin", "end"]


def test_errors_in_threads_and_processes_that_are_not_used():
    class Broken(Own):
        def __getitem__(self, index):
            raise OSError("no such file")

    dataset, _ = map_labels(Broken(2), None, lambda labels, shape: labels)
    with pytest.raises(OSError, match="no such file"):
        dataset[0]
    with pytest.warns(UserWarning, match="Own has use_multiprocessing=True"):
        read_batches(Own(2, use_multiprocessing=True))


class Short(Own):
    """With labels that the model has."""

    def __getitem__(self, index):
        images, labels = super().__getitem__(index)
        return images, labels % 3


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataset_for_training_and_validation_counts_the_training_alone(workers):
    model, own = TinySegmenter(), Short(workers, 2)
    model.fit(own, validation_data=own, epochs=2, verbose=0)
    assert own.told == ["begin", "end"] * 2
    own = Short(workers, 2)
    model.fit(Short(0, 1), validation_data=own, epochs=2, verbose=0)
    assert own.told == ["begin", "end"] * 2


@pytest.mark.parametrize("workers", [0, 2])
def test_our_dataset_counts_epochs_of_training_alone(workers):
    model, dataset = TinySegmenter(), make_dataset(workers)
    recording = recording_model()
    model.compile("sgd", recording.loss, metrics=recording.metrics[1:])
    model.evaluate(dataset, verbose=0)
    model.predict(dataset, verbose=0)
    assert dataset.epoch == 0
    seen = trained_on(model, dataset, validation_data=dataset, epochs=3)
    assert seen == codes(range(12))
    assert dataset.epoch == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_one_pass_without_keras(workers):
    batches, number = read_batches(Own(workers))
    assert [labels[0, 1, 1] for _, labels in batches] == [0, 1, 2, 3, 4]
    assert number == 5
    dataset = make_dataset(workers)
    batches, number = read_batches(dataset)
    assert [float((y * WEIGHTS).sum()) for _, y in batches] == codes(range(4))
    assert number == 4 and dataset.epoch == 0
