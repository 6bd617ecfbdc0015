"""What training on one device and on several devices have in common."""

import contextlib

import keras
import numpy as np


class Replicas:
    """Training on one device; a base class of the engines for several devices.

    A replica is a copy of the model on one device, which is trained with its part of
    each batch. A process has one replica or more.

    Attributes:
        count: Integer. Number of replicas of all processes.
        processes: Integer. Number of processes.
        process: Integer. Number of this process, from 0.
    """

    count = 1
    processes = 1
    process = 0

    @property
    def is_first(self):
        """Whether this is the process that writes files and reports."""
        return self.process == 0

    def scope(self):
        """A context manager in which the model is made, compiled and trained."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def training(self, model):
        """A context manager for `fit` and `evaluate`."""
        yield

    def broadcast(self, arrays):
        """The arrays of the first process, in all processes.

        Args:
            arrays: List of NumPy arrays, of the same shapes in all processes.

        Returns:
            List of NumPy arrays.
        """
        return arrays

    def broadcast_model(self, model):
        """Gives the weights and the optimizer of the first process to all others."""
        if self.processes == 1:
            return
        variables = [*model.variables, *model.optimizer.variables]
        variables = [v for v in variables if not _is_metric(v, model)]
        values = self.broadcast([keras.ops.convert_to_numpy(v) for v in variables])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def broadcast_integer(self, number):
        """The number that the first process has."""
        return int(self.broadcast([np.asarray(number, "int32")])[0])

    def close(self):
        """Ends the connection to the other processes."""

    # === Called by the model ===

    def train_step(self, step, *args, **kwargs):
        """One training step; `step` is that of Keras."""
        return step(*args, **kwargs)

    def joint_metrics(self, model):
        """A context manager in which the metrics hold the sums over all processes."""
        return contextlib.nullcontext()

    def make_train_function(self, model):
        """Called after Keras has made `model.train_function`."""


def _is_metric(variable, model):
    return any(variable is other for other in model.metrics_variables)
