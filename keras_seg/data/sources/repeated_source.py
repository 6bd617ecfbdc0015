"""Show images with rare classes more often."""

import numpy as np


class RepeatedSource:
    """A source in which images that hold a rare class occur several times.

    Repeat factor sampling, as [LVIS](https://arxiv.org/abs/1908.03195) has it for
    detection: a class that a share `f` of the images holds is given the factor
    `max(1, sqrt(target_share / f))`, and an image the largest factor of its classes.
    A factor that is not whole is rounded up or down by chance, once. All label maps
    are read when the source is made.

    Args:
        source: any source of `(image, label)` pairs with `num_classes`.
        target_share: float in (0, 1]. Classes in fewer images than this share are
            repeated.
        min_class_share: float. A class counts as held from this share of the pixels
            on, so that a few stray pixels do not make an image precious.
        seed: integer, of the rounding.

    Raises:
        ValueError: if a share is out of range.

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

    def __init__(self, source, target_share=0.1, min_class_share=0.005, seed=0):
        for name, value, low in (
            ("target_share", target_share, 1e-9),
            ("min_class_share", min_class_share, 0.0),
        ):
            if not low <= value <= 1:
                raise ValueError(
                    f"`{name}` is a share and must lie in ({low:g}, 1]. Received: "
                    f"{name}={value}."
                )
        self.source = source
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
        chance = np.random.default_rng(seed).random(len(source))
        self.repeats = (factors + chance).astype("int64")
        self.indices = np.repeat(np.arange(len(source)), self.repeats)

    def __len__(self):
        return len(self.indices)

    @property
    def names(self):
        return [self.source.names[i] for i in self.indices]

    def __getattr__(self, name):
        if name == "source":  # not yet set, as while unpickling
            raise AttributeError(name)
        return getattr(self.source, name)

    def __getitem__(self, index):
        return self.source[int(self.indices[index])]


def _classes_held(label, num_classes, min_share):
    """Which classes fill at least `min_share` of a label map, `(K,)`."""
    valid = label[(label >= 0) & (label < num_classes)]
    counts = np.bincount(valid, minlength=num_classes)
    return counts >= max(1, min_share * label.size)
