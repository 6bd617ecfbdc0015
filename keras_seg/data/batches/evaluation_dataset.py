"""Batches for evaluation: every image once, unchanged, in a fixed order."""

import numpy as np

from keras_seg.data.batches.prepare_label import PairReader, find_ignore_class
from keras_seg.data.batches.read_ahead_dataset import ReadAheadDataset


def evaluation_dataset(source, batch_size=1, workers=2) -> "EvaluationDataset":
    """Batches of whole images for `model.evaluate` and `validation_data`.

    Every image comes once and as it is. A batch holds images of one size: where
    sizes differ, images are grouped by size, in the order in which the sizes
    first appear. `dataset.batches` lists the indices of the images of each
    batch.

    Args:
        source: Sequence of `(image, label)` pairs of uint8 `(height, width, 3)`
            and integer or boolean `(height, width)`. Where it has `num_classes`,
            each label map is checked when it is first read.
        batch_size: Integer. The last batch of a size may be smaller.
        workers: Integer number of threads that read images ahead; below 2 the
            model waits for each batch.

    Returns:
        A `keras.utils.PyDataset` of `(images, labels)`: uint8 `(batch, height,
        width, 3)` and int32 `(batch, height, width)`. Its attribute `ignore_class`
        is that of the source, or `None` if it has none.

    Raises:
        ValueError: If the source is empty or `batch_size` is out of range; and, when
            a batch is made, if a label map is not fit.

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
    return EvaluationDataset(source, batch_size, workers)


class EvaluationDataset(ReadAheadDataset):
    """See `evaluation_dataset`, which checks the arguments."""

    _void = None  # the label of the images that fill up batches, if any

    def __init__(self, source, batch_size, threads):
        super().__init__(threads)
        self.source = source
        self._slots = range(batch_size)
        self.ignore_class = find_ignore_class(source)
        self.read_pair = PairReader(
            source, 255 if self.ignore_class is None else self.ignore_class
        )
        groups = {}
        for index in range(len(source)):
            groups.setdefault(_size(source, index), []).append(index)
        batches = [
            (size, indices[start : start + batch_size])
            for size, indices in groups.items()
            for start in range(0, len(indices), batch_size)
        ]
        self.batches = [indices for _, indices in _varied_first(batches)]

    def part(self, devices, process, processes, void):
        """Batches of one image per device, for one of several processes.

        Every batch has an image for each device: where images run out, a black one
        whose pixels are all void.

        Args:
            devices: Integer number of devices of all processes.
            process: Integer, the number of the process.
            processes: Integer number of processes.
            void: Integer, the label of those pixels.
        """
        dataset = EvaluationDataset(self.source, devices, self.threads)
        rows = devices // processes
        dataset._slots = range(process * rows, (process + 1) * rows)
        dataset._void = void
        return dataset

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.read(index, len(self))

    def make_batch(self, position):
        indices = self.batches[position]
        pairs = [self.read_pair(indices[i]) for i in self._slots if i < len(indices)]
        while self._void is not None and len(pairs) < len(self._slots):
            height, width = _size(self.source, indices[0])
            image = np.zeros((height, width, 3), "uint8")
            pairs.append((image, np.full((height, width), self._void, "int32")))
        images, labels = zip(*pairs, strict=True)
        return np.stack(images), np.stack(labels).astype("int32")


def _size(source, index):
    if hasattr(source, "size_of"):
        return source.size_of(index)
    return source[index][0].shape[:2]


def _varied_first(batches):
    """Puts two batches first that differ in every dimension in which any differ.

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
