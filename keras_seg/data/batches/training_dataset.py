"""Endless shuffled, augmented batches for `model.fit`."""

import cv2
import keras
import numpy as np

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
):
    """Batches for training, shuffled anew each epoch, made by worker threads.

    What a batch holds follows from `seed`, the epoch and the batch's place in
    it, whatever the number of workers. Batches are always full: where the
    images run out, the next pass over them begins, so that no image is left
    out. `model.fit` shuffles the order of the batches of an epoch once more
    with Python's `random`; pass it `shuffle=False` (or seed with
    `keras.utils.set_random_seed`) where the order must repeat.

    Args:
        source: sequence of `(image, label)` pairs of uint8 `(height, width, 3)`
            and integer `(height, width)`.
        batch_size: integer.
        augmentation: callable `(image, label, rng) -> (image, label)` such as
            `keras_seg.data.TrainAugmentation`. It must give one size. Without
            it all images must be of one size.
        seed: integer.
        workers: integer number of threads that prepare batches while the model
            trains; below 2 the model waits for each batch. Once they work,
            OpenCV itself runs on one thread.
        steps_per_epoch: integer number of batches in an epoch. Defaults to as
            many full batches as the source holds, at least one.
        initial_epoch: integer. Pass the `initial_epoch` of `model.fit` to resume a
            training with the batches that it would have had.
        cache: bool. Keep decoded images in memory, up to 1 GiB.

    Returns:
        A `keras.utils.PyDataset` of `(images, labels)`: uint8 `(batch_size,
        height, width, 3)` and int32 `(batch_size, height, width)`. The epoch
        whose batches it gives is its attribute `epoch`. `on_epoch_end` counts it
        up; Keras calls that once more before a training begins.

    Raises:
        ValueError: if the source is empty or a number is out of range.

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
    if cache:
        source = CachedSource(source)
    return _TrainingDataset(
        source,
        batch_size,
        augmentation,
        seed,
        steps_per_epoch,
        initial_epoch,
        workers=workers,
        max_queue_size=max(4, 2 * workers),
    )


class _TrainingDataset(keras.utils.PyDataset):
    def __init__(
        self,
        source,
        batch_size,
        augmentation,
        seed,
        steps_per_epoch,
        initial_epoch,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.source = source
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self.epoch = initial_epoch

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, index):
        if cv2.getNumThreads() != 1:
            cv2.setNumThreads(1)  # the workers are the threads
        # The samples form one endless row of shuffled passes over the source.
        first = (self.epoch * self.steps_per_epoch + index) * self.batch_size
        pairs = [self._sample(first + slot) for slot in range(self.batch_size)]
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
        image, label = self.source[int(order[place])]
        if self.augmentation is None:
            return image, label
        rng = np.random.default_rng((self.seed, 1, position))
        return self.augmentation(image, label, rng)

    def on_epoch_end(self):
        # Not in `on_epoch_begin`: by then the workers are already under way.
        self.epoch += 1
