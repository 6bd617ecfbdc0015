"""Batches for evaluation: every image once, unchanged, in a fixed order."""

import keras
import numpy as np


def evaluation_dataset(source, batch_size=1, workers=2):
    """Batches of whole images for `model.evaluate` and `validation_data`.

    Every image comes once and as it is. A batch holds images of one size: where
    sizes differ, images are grouped by size, in the order in which the sizes
    first appear. `dataset.batches` lists the indices of the images of each
    batch.

    Args:
        source: sequence of `(image, label)` pairs of uint8 `(height, width, 3)`
            and integer `(height, width)`.
        batch_size: integer. The last batch of a size may be smaller.
        workers: integer number of threads that read images ahead; below 2 the
            model waits for each batch.

    Returns:
        A `keras.utils.PyDataset` of `(images, labels)`: uint8 `(batch, height,
        width, 3)` and int32 `(batch, height, width)`.

    Raises:
        ValueError: if the source is empty or `batch_size` is out of range.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import evaluation_dataset

    source = [(np.zeros((8, 6, 3), "uint8"), np.zeros((8, 6), "uint8"))] * 3
    dataset = evaluation_dataset(source, batch_size=2)
    print([images.shape[0] for images, labels in dataset])  # [2, 1]
    ```
    """
    if len(source) == 0:
        raise ValueError("`source` is empty, expected at least one image.")
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be at least 1. Received: batch_size={batch_size}."
        )
    return _EvaluationDataset(source, batch_size, workers=workers, max_queue_size=4)


class _EvaluationDataset(keras.utils.PyDataset):
    def __init__(self, source, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.source = source
        groups = {}
        for index in range(len(source)):
            groups.setdefault(_size(source, index), []).append(index)
        batches = [
            (size, indices[start : start + batch_size])
            for size, indices in groups.items()
            for start in range(0, len(indices), batch_size)
        ]
        self.batches = [indices for _, indices in _varied_first(batches)]

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        images, labels = zip(
            *(self.source[i] for i in self.batches[index]), strict=True
        )
        return np.stack(images), np.stack(labels).astype("int32")


def _size(source, index):
    if hasattr(source, "size_of"):
        return source.size_of(index)
    return source[index][0].shape[:2]


def _varied_first(batches):
    """Put first two batches that differ in every dimension in which any differ.

    On TensorFlow, Keras takes the static shape from the first two batches.
    """
    varied = [len({size[axis] for size, _ in batches}) > 1 for axis in (0, 1)]
    if not any(varied):
        return batches
    for first in range(len(batches)):
        for second in range(first + 1, len(batches)):
            a, b = batches[first][0], batches[second][0]
            if all(a[axis] != b[axis] or not varied[axis] for axis in (0, 1)):
                rest = [
                    batch
                    for place, batch in enumerate(batches)
                    if place not in (first, second)
                ]
                return [batches[first], batches[second], *rest]
    return batches
