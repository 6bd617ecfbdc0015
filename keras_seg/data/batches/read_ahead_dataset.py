"""A `PyDataset` whose own threads prepare the next batches."""

import concurrent.futures
import copy
import threading

import cv2
import keras


class ReadAheadDataset(keras.utils.PyDataset):
    """Base class of datasets that read ahead in the order that they determine.

    Keras's own workers are not used: batches that they prepare before the training,
    to build the model, stay in their queue, so that the first batch is lost and each
    epoch gets batches of the one before. Keras sees a dataset without workers and asks
    for one batch at a time; the threads prepare those that follow.

    Subclasses define `make_batch(position)`, a pure function, and call `read`.

    Args:
        threads: Integer. Below 2, batches are made when they are asked for.
    """

    def __init__(self, threads):
        super().__init__(workers=0)
        self.threads = threads
        self._failures = []  # shared with the datasets that `map` returns
        self._functions = ()
        self._lock = threading.Lock()
        self._pending = {}  # futures by position
        self._pool = None
        if threads >= 2:
            self._pool = concurrent.futures.ThreadPoolExecutor(
                threads, "keras_seg_batches"
            )

    @property
    def failure(self):
        """The exception of the last batch that failed, or `None`.

        TensorFlow passes on the text of an exception, inside a traceback of its own.
        """
        return self._failures[-1] if self._failures else None

    def make_batch(self, position):
        raise NotImplementedError

    def map(self, function):
        """The same dataset, whose threads apply a function to each batch."""
        mapped = copy.copy(self)
        mapped._functions = (*self._functions, function)
        mapped._pending = {}
        return mapped

    def for_evaluation(self):
        """The same dataset, of which no pass counts as an epoch."""
        return self

    def drop(self):
        """Forgets the batches prepared, once none is being made any more."""
        with self._lock:
            pending, self._pending = self._pending, {}
        unfinished = [x for x in pending.values() if not x.cancel()]
        concurrent.futures.wait(unfinished)

    def read(self, position, stop):
        """The batch at a position; those up to `stop` are prepared meanwhile."""
        try:
            if self._pool is None:
                return self._make(position)
            end = min(position + max(4, 2 * self.threads), stop)
            with self._lock:
                pending = {
                    i: self._pending.pop(i, None) or self._pool.submit(self._make, i)
                    for i in range(position, end)
                }
                for unused in self._pending.values():
                    unused.cancel()
                future = pending.pop(position)
                self._pending = pending
            return future.result()
        except Exception as error:
            self._failures.append(error)
            raise

    def _make(self, position):
        if self._pool is not None and cv2.getNumThreads() != 1:
            cv2.setNumThreads(1)  # the threads of the pool are enough
        batch = self.make_batch(position)
        for function in self._functions:
            batch = function(batch)
        return batch
