"""Which batch of which epoch Keras asks a dataset for."""

import threading


class EpochCounter:
    """Finds the epoch, and the place in it, of each batch that `fit` asks for.

    Keras asks a `PyDataset` for batches by index, in an order that `shuffle=True`
    draws from Python's `random`, and asks for more than it trains on: for one or two
    batches before the training, to build the model, and on TensorFlow from a thread
    that runs ahead. `on_epoch_end` is called once more, before the first epoch. With
    `fit(steps_per_epoch=)` a pass over the dataset goes on over several epochs of
    `fit`. What can be relied on:

    - An adapter is made first, in each call of `fit`, `evaluate` or `predict`.
    - All that happens until the next `on_epoch_end` is preparation.
    - After it, each pass asks for every index once, and a pass is complete before the
      next one begins.

    So the batches of a pass are numbered in the order in which they are asked for.

    Args:
        num_batches: Integer, the length of a pass; `None` if it never ends.
        epoch: Integer, the first epoch.

    Example:

    ```python
    from keras_seg.data.batches.epoch_counter import EpochCounter

    counter = EpochCounter(num_batches=2)
    counter.begin_run()
    print(counter.locate(0))  # (0, 0), to build the model
    counter.end_epoch()
    counter.begin_epoch()
    print(counter.locate(1), counter.locate(0))  # (0, 0) (0, 1)
    counter.end_epoch()
    print(counter.epoch)  # 1
    ```
    """

    def __init__(self, num_batches, epoch=0):
        self.num_batches = num_batches
        self.epoch = epoch
        self._state = "manual"  # then "preparing", "running"
        self._is_inside = False  # between the begin and the end of an epoch
        self._places = {}  # from the indices asked for in this pass to their places
        self._lock = threading.Lock()  # TensorFlow asks from a thread of its own

    def begin_run(self):
        """A call of `fit`, `evaluate` or `predict` begins."""
        with self._lock:
            if not self._is_inside:
                self._finish_pass()
            # Else an epoch was interrupted. It is done again, also where a thread that
            # runs ahead has asked for all of its batches.
            self._places.clear()
            self._state, self._is_inside = "preparing", False

    def begin_epoch(self):
        """`on_epoch_begin` was called."""
        with self._lock:
            self._finish_pass()
            self._is_inside = True

    def end_epoch(self):
        """`on_epoch_end` was called. Returns whether an epoch ended by that."""
        with self._lock:
            ended = self._state == "manual" or (self.is_running and self._is_inside)
            if self._state == "manual":
                self.epoch += 1
            elif self._state == "preparing":
                self._state = "running"
            else:
                self._finish_pass()
                if not self._is_inside:
                    self._places.clear()
            self._is_inside = False
            return ended

    @property
    def is_running(self):
        """Whether batches are asked for to be used, and not to build the model."""
        return self._state == "running"

    def locate(self, index):
        """The pair of the epoch and the place in it of the batch asked for."""
        with self._lock:
            if self._state != "running" or not (self._is_inside or self._places):
                return self.epoch, index
            return self.epoch, self._places.setdefault(index, len(self._places))

    def _finish_pass(self):
        if len(self._places) == self.num_batches:
            self.epoch += 1
            self._places.clear()


class FixedEpoch:
    """In place of an `EpochCounter` where no pass counts as an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def begin_run(self):
        pass

    def begin_epoch(self):
        pass

    def end_epoch(self):
        return False

    def locate(self, index):
        return self.epoch, index
