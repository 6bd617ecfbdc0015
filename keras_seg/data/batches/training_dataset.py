"""Endless shuffled, augmented batches for `model.fit`."""

import copy

import numpy as np

from keras_seg.data.batches.epoch_counter import EpochCounter, FixedEpoch
from keras_seg.data.batches.pair_transform import PairTransform
from keras_seg.data.batches.prepare_label import PairReader, find_ignore_class
from keras_seg.data.batches.read_ahead_dataset import ReadAheadDataset
from keras_seg.data.sources.derived_sources import CachedSource


def training_dataset(
    source,
    batch_size,
    augmentation=None,
    seed=0,
    workers=2,
    steps_per_epoch=None,
    initial_epoch=0,
    cache=True,
    transform=None,
    paste_classes=(),
    paste_probability=0.5,
) -> "TrainingDataset":
    """Batches for training, shuffled anew each epoch, prepared by threads.

    What a batch holds is a function of `seed`, the epoch and the place in the epoch,
    on every backend and with any number of workers. `model.fit` trains on the batches
    in the order of their places; its argument `shuffle` has no effect. Batches are
    always full: where the images run out, the next pass over them begins, so that no
    image is left out.

    Args:
        source: Sequence of `(image, label)` pairs of uint8 `(height, width, 3)`
            and integer or boolean `(height, width)`. Where it has `num_classes`,
            each label map is checked when it is first read.
        batch_size: Integer.
        augmentation: Callable `(image, label, rng) -> (image, label)` such as
            `keras_seg.data.TrainAugmentation`. It must return one size. Without
            it all images must be of one size.
        seed: Integer.
        workers: Integer number of threads that prepare batches while the model
            trains; below 2 the model waits for each batch. With such threads,
            OpenCV itself runs on one thread.
        steps_per_epoch: Integer number of batches in an epoch. Defaults to as
            many full batches as the source holds, at least one.
        initial_epoch: Integer. Pass the `initial_epoch` of `model.fit` to resume a
            training with the batches that it would have had.
        cache: Boolean. Whether to keep decoded images in memory, up to 1 GiB.
        transform: Callable with the arguments `image` and `mask`, and `rng` if it has
            one, that returns the pair or a dictionary with these keys, such as
            `albumentations.Compose([...])`. It is called with each image before
            `augmentation`. `rng`, a `numpy.random.Generator`, is its only source of
            randomness that keeps batches reproducible; a pipeline of albumentations is
            seeded from it.
        paste_classes: Ids of rare or thin classes. Pixels of these classes in another
            random sample are pasted over a sample at the same place, as
            [ClassMix](https://arxiv.org/abs/2007.07936) does with half of the classes.
            Defaults to none.
        paste_probability: Float, the probability that a sample is pasted over.

    Returns:
        A `keras.utils.PyDataset` of `(images, labels)`: uint8 `(batch_size,
        height, width, 3)` and int32 `(batch_size, height, width)`. Its attribute
        `epoch` is the epoch whose batches it returns: `model.fit` counts it up at the
        end of each pass, `dataset.on_epoch_end()` does in a loop of your own. Another
        `fit` continues to count; an epoch that was interrupted is done again. The
        models of this package do not count it in `evaluate`, `predict` and validation,
        which take the batches of the epoch that it has at their start. Its
        attribute `ignore_class` is the id of void, or `None` if neither the source
        nor the augmentation has one.

    Raises:
        ValueError: If the source is empty, a number is out of range, or the source
            and the augmentation differ in `ignore_class`; and, when a batch is made,
            if a label map is not fit, or `transform` returns anything else than an
            image and its mask.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import TrainAugmentation, training_dataset

    source = [(np.zeros((40, 40, 3), "uint8"), np.zeros((40, 40), "uint8"))] * 4
    dataset = training_dataset(source, 2, TrainAugmentation((32, 32)))
    images, labels = dataset[0]
    print(len(dataset), images.shape, labels.shape)  # 2 (2, 32, 32, 3) (2, 32, 32)
    ```
    """
    if len(source) == 0:
        raise ValueError("`source` is empty, expected at least one image.")
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be at least 1. Received: batch_size={batch_size}."
        )
    if steps_per_epoch is None:
        steps_per_epoch = max(1, len(source) // batch_size)
    if steps_per_epoch < 1:
        raise ValueError(
            "`steps_per_epoch` must be at least 1. Received: "
            f"steps_per_epoch={steps_per_epoch}."
        )
    if not 0 <= paste_probability <= 1:
        raise ValueError(
            "`paste_probability` must lie in [0, 1]. Received: "
            f"paste_probability={paste_probability}."
        )
    ignore_class = find_ignore_class(source, augmentation)
    if cache:
        source = CachedSource(source)
    return TrainingDataset(
        source,
        batch_size,
        augmentation,
        seed,
        steps_per_epoch,
        initial_epoch,
        ignore_class,
        workers,
        transform,
        paste_classes,
        paste_probability,
    )


class TrainingDataset(ReadAheadDataset):
    """See `training_dataset`, which checks the arguments."""

    def __init__(
        self,
        source,
        batch_size,
        augmentation,
        seed,
        steps_per_epoch,
        initial_epoch,
        ignore_class,
        threads,
        transform=None,
        paste_classes=(),
        paste_probability=0.0,
    ):
        super().__init__(threads)
        self.source = source
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self.ignore_class = ignore_class
        void = 255 if ignore_class is None else ignore_class
        self.read_pair = PairReader(source, void)
        self.transform = None if transform is None else PairTransform(transform, void)
        self.paste_classes = tuple(paste_classes)
        self.paste_probability = paste_probability if self.paste_classes else 0.0
        self.counter = EpochCounter(steps_per_epoch, initial_epoch)
        self._slots = range(batch_size)

    @property
    def epoch(self):
        return self.counter.epoch

    def for_evaluation(self):
        dataset = copy.copy(self)
        dataset.counter = FixedEpoch(self.epoch)
        dataset._pending = {}
        return dataset

    def part(self, devices, process, processes):
        """The same batches for one of several processes, which gets its rows alone.

        Args:
            devices: Integer number of devices of all processes.
            process: Integer, the number of the process.
            processes: Integer number of processes.

        Raises:
            ValueError: If the devices cannot have equal numbers of images.
        """
        if self.batch_size % devices:
            raise ValueError(
                f"A batch of {self.batch_size} images cannot be split evenly over "
                f"{devices} devices. Use a batch size of "
                f"{-(-self.batch_size // devices) * devices}."
            )
        dataset = copy.copy(self)
        rows = self.batch_size // processes
        dataset._slots = range(process * rows, (process + 1) * rows)
        dataset._pending = {}
        return dataset

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, index):
        epoch, place = self.counter.locate(index)
        first = epoch * self.steps_per_epoch
        return self.read(first + place, first + self.steps_per_epoch)

    def make_batch(self, position):
        # The samples form one endless row of shuffled passes over the source.
        first = position * self.batch_size
        pairs = [self._sample(first + slot) for slot in self._slots]
        images, labels = zip(*pairs, strict=True)
        for name, arrays in (("Images", images), ("Labels", labels)):
            if len({array.shape for array in arrays}) > 1:
                raise ValueError(
                    f"{name} of one batch must be of one size. Received: "
                    f"{sorted({array.shape for array in arrays})}. Pass "
                    "`augmentation=TrainAugmentation(crop_size=...)`, or use "
                    "`batch_size=1`."
                )
        return np.stack(images), np.stack(labels).astype("int32")

    def _sample(self, position):
        turn, place = divmod(position, len(self.source))
        order = np.random.default_rng((self.seed, 0, turn)).permutation(
            len(self.source)
        )
        image, label = self._augmented(int(order[place]), position)
        if self.paste_probability:
            rng = np.random.default_rng((self.seed, 3, position))
            if rng.random() < self.paste_probability:
                other = int(rng.integers(len(self.source)))
                image, label = self._paste(image, label, other, position)
        return image, label

    def _augmented(self, index, *position):
        """An image of the source as the batches hold it; `position` is its seed."""
        image, label = self.read_pair(index)
        if self.transform is not None:
            rng = np.random.default_rng((self.seed, 2, *position))
            image, label = self.transform(image, label, rng)
        if self.augmentation is None:
            return image, label
        rng = np.random.default_rng((self.seed, 1, *position))
        return self.augmentation(image, label, rng)

    def _paste(self, image, label, index, position):
        other, other_label = self._augmented(index, position, 1)
        if other.shape != image.shape:
            raise ValueError(
                "`paste_classes` needs images of one size. Received: "
                f"{image.shape} and {other.shape}. Pass "
                "`augmentation=TrainAugmentation(crop_size=...)`."
            )
        pasted = np.isin(other_label, self.paste_classes)  # (h, w)
        image = np.where(pasted[..., None], other, image)
        return image, np.where(pasted, other_label, label)

    @property
    def use_multiprocessing(self):
        # Keras asks once in each call of `fit`, `evaluate` or `predict`, at its start.
        self.counter.begin_run()
        return False

    def on_epoch_begin(self):
        self.counter.begin_epoch()

    def on_epoch_end(self):
        self.counter.end_epoch()
