import types

import keras
import numpy as np

from keras_seg.data.batches.mapped_dataset import MappedDataset
from keras_seg.data.batches.read_ahead_dataset import ReadAheadDataset
from keras_seg.keras_internals.data_loader import copy_data_loader


def map_labels(x, y, function, shuffle=False, evaluation=False, trained_on=None):
    """Changes or checks the labels of all that `fit` takes, while they are read.

    Args:
        x: Arrays; or a `keras.utils.PyDataset`, `tf.data.Dataset`, torch `DataLoader`,
            grain dataset or generator of `(x, y)` or `(x, y, sample_weight)`.
        y: Array where `x` is one, else `None`.
        function: Called with a NumPy array of labels, of a batch or of all images,
            and the shape of the images, a tuple or `None`. Returns the labels, or an
            integer array of the same shape in their place. It is called where batches
            are made, in worker threads or processes.
        shuffle: Boolean. Whether a `PyDataset` is read in a new order in each epoch.
        evaluation: Boolean. Whether no pass over `x` counts as an epoch of training.
        trained_on: The dataset of the training in which `x` is the validation data.
            If it is `x` itself, it is told of the epochs of the training alone.

    Returns:
        The pair `(x, y)` for `fit`, of the same kind as what came in.

    Raises:
        ValueError: If the kind is unknown, or a batch has no labels.

    Example:

    ```python
    import numpy as np
    from keras_seg.data.batches.map_labels import map_labels

    images, labels = np.zeros((2, 4, 4, 3)), np.zeros((2, 4, 4), "int32")
    images, labels = map_labels(images, labels, lambda labels, shape: labels + 1)
    print(labels.max())  # 1
    ```
    """
    if y is not None:
        labels = to_numpy(y)
        changed = function(labels, image_shape(x))
        return x, y if changed is labels else changed
    change = _Change(function)
    module = type(x).__module__.split(".")[0]
    if isinstance(x, ReadAheadDataset):
        return (x.for_evaluation() if evaluation else x).map(change), None
    if isinstance(x, keras.utils.PyDataset):
        return MappedDataset(x, change, shuffle, x is not trained_on), None
    if isinstance(x, types.GeneratorType):
        return (change(batch) for batch in x), None
    if hasattr(x, "element_spec"):
        return _map_tf_dataset(x, function), None
    if hasattr(x, "collate_fn") and hasattr(x, "batch_sampler"):
        return copy_data_loader(x, _Change(function, x.collate_fn)), None
    if module == "grain" and hasattr(x, "map"):
        return x.map(change), None
    raise ValueError(
        "Labels come as an array `y`, or with the images from a PyDataset, a "
        "tf.data.Dataset, torch's DataLoader, a grain dataset or a generator. "
        f"Received: x of type {type(x)}, y={y}. Pass y=..., or wrap your data in a "
        "generator of (images, labels)."
    )


def read_batches(x):
    """One pass over a dataset or generator, which does not count as an epoch.

    Returns:
        An iterator of batches, and their number or `None` if it is unknown.
    """
    if isinstance(x, ReadAheadDataset):
        x = x.for_evaluation()
    elif isinstance(x, keras.utils.PyDataset):
        x = MappedDataset(x)
    if isinstance(x, keras.utils.PyDataset):
        return iter(x), x.num_batches
    try:
        return iter(x), len(x)
    except TypeError:  # a generator, or a dataset that does not know or never ends
        return iter(x), None


class _Change:
    """Changes the labels of a batch. A class, so that processes can be sent it."""

    def __init__(self, function, collate=None):
        self.function, self.collate = function, collate

    def __call__(self, batch):
        if self.collate is not None:
            batch = self.collate(batch)
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise ValueError(
                "Batches must be (images, labels) or (images, labels, sample_weight). "
                f"Received: {type(batch)}."
            )
        images, labels, *weights = batch
        array = to_numpy(labels)
        changed = self.function(array, image_shape(images))
        if changed is array:
            changed = labels
        elif hasattr(labels, "new_tensor"):  # Keras expects tensors of a DataLoader
            changed = labels.int().new_tensor(changed)
        return (images, changed, *weights)


def _map_tf_dataset(dataset, function):
    import tensorflow as tf  # installed: the dataset is one of its objects

    if not isinstance(dataset.element_spec, tuple) or len(dataset.element_spec) < 2:
        raise ValueError(
            "The dataset must give (images, labels) or (images, labels, "
            f"sample_weight). Received: {dataset.element_spec}."
        )

    def on_arrays(labels, shape):
        return function(labels, tuple(shape)).astype("int32")

    def change(images, labels, *weights):
        changed = tf.numpy_function(on_arrays, [labels, tf.shape(images)], tf.int32)
        changed.set_shape(labels.shape)
        return (images, changed, *weights)

    return dataset.map(change, num_parallel_calls=tf.data.AUTOTUNE)


def to_numpy(labels):
    """An array of labels of any kind."""
    if keras.ops.is_tensor(labels):
        return keras.ops.convert_to_numpy(labels)
    return np.asarray(labels)


def image_shape(images):
    """The shape of an array or tensor, or `None` of all else."""
    shape = getattr(images, "shape", None)
    return None if shape is None else tuple(shape)
