"""Sources made from another source: cached, smaller, a part, rare classes often."""

import cv2
import numpy as np


class DerivedSource:
    """What sources over another source share: its attributes are found on them.

    Args:
        source: Any source of `(image, label)` pairs.
    """

    def __init__(self, source):
        self.source = source

    def __len__(self):
        return len(self.source)

    def __getattr__(self, name):
        if name == "source":  # not yet set, as while unpickling
            raise AttributeError(name)
        return getattr(self.source, name)


class IndexedSource(DerivedSource):
    """A source of some pairs of another source, in any order.

    Args:
        source: Any source of `(image, label)` pairs.
        indices: Integer array, the places in `source`.
    """

    def __init__(self, source, indices):
        super().__init__(source)
        self.indices = indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.source[int(self.indices[index])]

    def __getattr__(self, name):
        value = super().__getattr__(name)
        if name in ("names", "pairs"):  # lists with one entry for each pair
            return [value[i] for i in self.indices]
        if name == "size_of":
            return lambda index: value(int(self.indices[index]))
        return value


class CachedSource(DerivedSource):
    """A source that reads each pair of another source once.

    Pairs are kept until `max_bytes` are used; the others are read anew each
    time. The arrays are shared: do not write into them.

    Args:
        source: Any source of `(image, label)` pairs.
        max_bytes: Integer. Defaults to 1 GiB.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import CachedSource

    pairs = [(np.zeros((4, 4, 3), "uint8"), np.zeros((4, 4), "uint8"))]
    source = CachedSource(pairs)
    print(source[0][0] is source[0][0])  # True
    ```
    """

    def __init__(self, source, max_bytes=2**30) -> None:
        super().__init__(source)
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.kept = {}

    def __getitem__(self, index):
        # Two threads may read one pair at the same time; that only costs time.
        pair = self.kept.get(index)
        if pair is None:
            pair = self.source[index]
            size = sum(array.nbytes for array in pair)
            if self.used_bytes + size <= self.max_bytes:
                self.used_bytes += size
                self.kept[index] = pair
        return pair


class ResizedSource(DerivedSource):
    """A source whose larger images are downscaled, for training on large photos.

    Pixels of an image are means of the area that they cover, ids are those of the
    nearest pixel. Put a `CachedSource` around it to keep the small images in memory.

    Args:
        source: Any source of `(image, label)` pairs.
        long_side: Integer. The longer side of larger images becomes this.

    Raises:
        ValueError: If `long_side` is not positive.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import ResizedSource

    pairs = [(np.zeros((300, 400, 3), "uint8"), np.zeros((300, 400), "uint8"))]
    image, label = ResizedSource(pairs, 100)[0]
    print(image.shape, label.shape)  # (75, 100, 3) (75, 100)
    ```
    """

    def __init__(self, source, long_side) -> None:
        if long_side < 1:
            raise ValueError(
                f"`long_side` must be at least 1. Received: long_side={long_side}."
            )
        super().__init__(source)
        self.long_side = long_side

    def __getitem__(self, index):
        image, label = self.source[index]
        size = self._size(*label.shape[:2])
        if size == label.shape[:2]:
            return image, label
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        rows, columns = (
            (np.arange(new) * 2 + 1) * old // (2 * new)  # nearest to pixel centres
            for new, old in zip(size, label.shape, strict=True)
        )
        return image, label[rows][:, columns]

    def size_of(self, index):
        """The height and width of an image."""
        if hasattr(self.source, "size_of"):
            return self._size(*self.source.size_of(index))
        return self._size(*self.source[index][1].shape[:2])

    def _size(self, height, width):
        longer, limit = max(height, width), self.long_side
        if longer <= limit:
            return height, width
        return tuple(
            max(1, (side * limit + longer // 2) // longer) for side in (height, width)
        )


class SubsetSource(IndexedSource):
    """A source of some images of another one, for learning from few images.

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

    def __init__(self, source, number, seed=0) -> None:
        if not 1 <= number <= len(source):
            raise ValueError(
                f"`number` must lie in 1..{len(source)}, the number of images. "
                f"Received: {number}."
            )
        indices = np.random.default_rng(seed).permutation(len(source))[:number]
        super().__init__(source, indices)


class RepeatedSource(IndexedSource):
    """A source in which images that hold a rare class occur several times.

    Repeat factor sampling, introduced for detection with
    [LVIS](https://arxiv.org/abs/1908.03195): a class that a share `f` of the images
    holds is given the factor `max(1, sqrt(target_share / f))`, and an image the largest
    factor of its classes. A factor that is not an integer is rounded up or down at
    random, once. All label maps are read when the source is made.

    Args:
        source: Any source of `(image, label)` pairs with `num_classes`.
        target_share: Float in (0, 1]. Classes in fewer images than this share are
            repeated.
        min_class_share: Float. An image holds a class if the class has this share of
            its pixels, so that a few stray pixels do not count.
        seed: Integer, of the rounding.

    Raises:
        ValueError: If the source is empty or a share is out of range.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import RepeatedSource

    class Pairs(list):
        num_classes = 2

    image = np.zeros((4, 4, 3), "uint8")
    common = (image, np.zeros((4, 4), "uint8"))
    rare = (image, np.ones((4, 4), "uint8"))
    source = RepeatedSource(Pairs([common] * 15 + [rare]), target_share=0.25)
    print(len(source))  # 17: the rare one occurs twice
    ```
    """

    def __init__(self, source, target_share=0.1, min_class_share=0.005, seed=0) -> None:
        for name, value, low in (
            ("target_share", target_share, 1e-9),
            ("min_class_share", min_class_share, 0.0),
        ):
            if not low <= value <= 1:
                raise ValueError(
                    f"`{name}` is a share and must lie in ({low:g}, 1]. Received: "
                    f"{name}={value}."
                )
        if len(source) == 0:
            raise ValueError("`source` is empty, expected at least one image.")
        held = np.stack(
            [
                _classes_held(source[i][1], source.num_classes, min_class_share)
                for i in range(len(source))
            ]
        )  # (N, K)
        share = held.mean(axis=0)  # (K,)
        class_factors = np.sqrt(target_share / np.maximum(share, 1 / len(source)))
        self.class_factors = np.maximum(1.0, class_factors)
        factors = np.where(held, self.class_factors, 1.0).max(axis=1)  # (N,)
        random = np.random.default_rng(seed).random(len(source))
        self.repeats = (factors + random).astype("int64")
        super().__init__(source, np.repeat(np.arange(len(source)), self.repeats))


def _classes_held(label, num_classes, min_share):
    """Which classes fill at least `min_share` of a label map, `(K,)`."""
    valid = label[(label >= 0) & (label < num_classes)]
    counts = np.bincount(valid, minlength=num_classes)
    return counts >= max(1, min_share * label.size)
