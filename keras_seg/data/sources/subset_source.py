"""A few images of a data set, to see how far they go."""

import numpy as np


class SubsetSource:
    """A source of some images of another one.

    Args:
        source: Any source of `(image, label)` pairs.
        number: Integer, how many.
        seed: Integer. Which ones are drawn follows from it alone, so that several
            models can learn from the same.

    Raises:
        ValueError: If `number` is not in 1 to the number of images.

    Example:

    ```python
    from keras_seg.data import SubsetSource

    pairs = [("a", 0), ("b", 1), ("c", 2)]
    print(len(SubsetSource(pairs, 2)))  # 2
    ```
    """

    def __init__(self, source, number, seed=0):
        if not 1 <= number <= len(source):
            raise ValueError(
                f"`number` must lie in 1..{len(source)}, the number of images. "
                f"Received: {number}."
            )
        self.source = source
        self.indices = np.random.default_rng(seed).permutation(len(source))[:number]

    def __len__(self):
        return len(self.indices)

    @property
    def names(self):
        return [self.source.names[i] for i in self.indices]

    def __getattr__(self, name):
        return getattr(self.source, name)

    def __getitem__(self, index):
        return self.source[int(self.indices[index])]
