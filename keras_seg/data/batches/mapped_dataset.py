"""A `PyDataset` of one's own, whose batches are prepared as those of this package."""

import random
import warnings

import numpy as np

from keras_seg.data.batches.epoch_counter import EpochCounter
from keras_seg.data.batches.read_ahead_dataset import ReadAheadDataset


class MappedDataset(ReadAheadDataset):
    """Applies a function to the batches of a `PyDataset`, in threads if it has workers.

    The batches are the same with any number of workers and on every backend. The
    dataset is told of each epoch once: `on_epoch_begin` before its first batch is
    made, `on_epoch_end` after the last one. Keras itself calls both once more, before
    the training.

    Args:
        dataset: `keras.utils.PyDataset`. With 2 or more workers its `__getitem__` is
            called from several threads.
        function: Function of a batch, or `None`.
        shuffle: Boolean. Whether each pass over a finite dataset has an order of its
            own, drawn with Python's `random`.
        tell_epochs: Boolean. `False` tells the dataset of no epoch.

    Example:

    ```python
    import keras
    from keras_seg.data.batches.mapped_dataset import MappedDataset

    class Numbers(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return index

    print(list(MappedDataset(Numbers(workers=2), lambda x: 10 * x)))  # [0, 10, 20]
    ```
    """

    def __init__(self, dataset, function=None, shuffle=False, tell_epochs=True):
        super().__init__(dataset.workers)
        self.dataset = dataset
        self.tell_epochs = tell_epochs
        self.counter = EpochCounter(dataset.num_batches)
        self._functions = () if function is None else (function,)
        self._seed = random.getrandbits(64) if shuffle else None
        self._has_begun = False
        if dataset.use_multiprocessing:
            warnings.warn(
                f"{type(dataset).__name__} has use_multiprocessing=True. Its batches "
                f"are made by {dataset.workers} threads of this process instead.",
                stacklevel=2,
            )

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def __getitem__(self, index):
        if not self.counter.is_running:
            self._begin()
        number = self.num_batches
        if number is None:  # endless, Keras asks in order
            return self.read(index, index + self.threads + 1)
        epoch, place = self.counter.locate(index)
        return self.read(epoch * number + place, (epoch + 1) * number)

    def make_batch(self, position):
        number = self.num_batches
        if number is None:
            return self.dataset[position]
        epoch, place = divmod(position, number)
        if self._seed is not None:
            order = np.random.default_rng((self._seed, epoch)).permutation(number)
            place = int(order[place])
        return self.dataset[place]

    @property
    def use_multiprocessing(self):
        # Keras asks once in each call of `fit` or `evaluate`, at its start.
        self.counter.begin_run()
        return False

    def on_epoch_begin(self):
        self.counter.begin_epoch()
        self._begin()

    def on_epoch_end(self):
        if self.counter.end_epoch():
            self.drop()
            self._has_begun = False
            if self.tell_epochs:
                self.dataset.on_epoch_end()

    def _begin(self):
        if not self._has_begun:
            self.drop()
            if self.tell_epochs:
                self.dataset.on_epoch_begin()
            self._has_begun = True
