"""Training on several devices or machines, with what each backend has for it."""

import contextlib
import json
import os
import pathlib
import tempfile
from typing import Any

import keras
import numpy as np

from keras_seg.data.batches.evaluation_dataset import EvaluationDataset
from keras_seg.data.batches.training_dataset import TrainingDataset
from keras_seg.keras_internals.open_replicas import open_replicas
from keras_seg.training.copy_with import copy_with


class Devices:
    """The devices that a model is trained on, each with a part of every batch.

    Losses, normalisation, the memory of CPT and metrics are those of the joint batch:
    the model that results is that of one device with the same batches, up to rounding
    and dropout. `docs/distributed.md` shows how to start each backend.

    - JAX: `keras.distribution.DataParallel`, over the devices of one process or of
      those that `KERAS_DISTRIBUTION_JOB_ADDRESSES` and its like describe
    - TensorFlow: `MirroredStrategy`; `MultiWorkerMirroredStrategy` with `TF_CONFIG`
    - torch: `DistributedDataParallel`, in processes that torchrun started

    Args:
        count: Integer number of devices. `None` for one; or, where the environment
            describes several processes, for all of theirs.

    Raises:
        ValueError: If the backend does not have so many devices.

    Example:

    ```python
    import keras_seg

    with keras_seg.training.Devices() as devices:
        with devices.scope():
            model = keras_seg.ECENet(
                keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
                num_classes=3,
                hidden_dim=8,
            )
            model.compile()
        print(devices.count, devices.is_first)  # 1 True
    ```
    """

    def __init__(self, count=None) -> None:
        self._replicas = open_replicas(count)
        self.count = self._replicas.count
        self.is_first = self._replicas.is_first

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:  # after an error, the others would wait for ever
            self._replicas.close()

    @contextlib.contextmanager
    def folder(self, path):
        """A context manager for the folder that this process writes to.

        Args:
            path: String or path.

        Returns:
            The path in the first process. In the others that of a temporary folder,
            and what they print is not shown.
        """
        if self.is_first:
            yield pathlib.Path(path)
            return
        with (
            tempfile.TemporaryDirectory() as folder,
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):
            yield pathlib.Path(folder)

    def scope(self):
        """A context manager. Make, compile and train the model in it."""
        return self._replicas.scope()

    def synchronize(self, model, epochs_done=0):
        """Gives all processes what the first one has, as after reading a backup.

        Args:
            model: Compiled model.
            epochs_done: Integer.

        Returns:
            Integer, the `epochs_done` of the first process.
        """
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self._replicas.broadcast_model(model)
        return self._replicas.broadcast_integer(epochs_done)

    def share(self, value):
        """The value of the first process, in all processes.

        Args:
            value: What JSON can hold, such as the settings of a run; ignored in all
                processes but the first.
        """
        if self._replicas.processes == 1:
            return value
        text = np.frombuffer(json.dumps(value, default=str).encode(), "uint8").astype(
            "int32"
        )
        room = np.zeros(self._replicas.broadcast_integer(len(text)), "int32")
        text = self._replicas.broadcast([text if self.is_first else room])[0]
        return json.loads(text.astype("uint8").tobytes())

    def share_file(self, path):
        """Gives all processes a text file of the first one, if it has that file.

        Args:
            path: `pathlib.Path` in the `folder` of the process.
        """
        text = path.read_text() if self.is_first and path.exists() else None
        text = self.share(text)
        if text is not None and not self.is_first:
            path.write_text(text)

    def fit(
        self, model, x, validation_data=None, callbacks=None, writers=(), **kwargs
    ) -> Any:
        """Calls `model.fit`, with the part of the data that is for this process.

        Args:
            model: Compiled model that was made in `scope()`.
            x: What `keras_seg.data.training_dataset` returns. Its batches are the joint
                batches of all devices.
            validation_data: What `keras_seg.data.evaluation_dataset` returns, or
                `None`. Its batches get one image per device, filled up with void.
            callbacks: List of callbacks, or `None`. They get the same logs in all
                processes.
            writers: List of those callbacks that write files or read them. The other
                processes leave them out.
            **kwargs: Passed to `model.fit`.

        Returns:
            What `fit` returned.

        Raises:
            ValueError: If the batch size is no multiple of the number of devices.
            TypeError: If the data are of another kind.
        """
        replicas, callbacks = self._replicas, list(callbacks or ())
        if not self.is_first:
            callbacks = [x for x in callbacks if not any(x is y for y in writers)]
            kwargs["verbose"] = 0
        if replicas.processes > 1:
            callbacks.append(_StopTogether(replicas))
        kwargs["callbacks"] = callbacks
        if self.count == 1:
            return model.fit(x, validation_data=validation_data, **kwargs)
        part = (self.count, replicas.process, replicas.processes)
        _check_kind(x, TrainingDataset, "training_dataset")
        x = x.part(*part)
        if validation_data is not None:
            _check_kind(validation_data, EvaluationDataset, "evaluation_dataset")
            validation_data = validation_data.part(*part, model.ignore_class)
        with replicas.training(model):
            return model.fit(x, validation_data=validation_data, **kwargs)

    def on_one_device(self, model):
        """A copy of a trained model that needs no other device or process.

        It is not compiled.
        """
        if self.count == 1:
            return model
        return copy_with(model, compile=False)


class _StopTogether(keras.callbacks.Callback):
    """Ends the training of all processes when a callback of the first one ends it."""

    def __init__(self, replicas):
        super().__init__()
        self.replicas = replicas

    def on_epoch_end(self, epoch, logs=None):
        stop = self.replicas.broadcast_integer(self.model.stop_training)
        self.model.stop_training = bool(stop)


def _check_kind(dataset, kind, name):
    if not isinstance(dataset, kind):
        raise TypeError(
            f"Several devices take the batches of keras_seg.data.{name}. Received: "
            f"{type(dataset)}. Pass your images and labels to it as a sequence of "
            "pairs."
        )
