"""Keep the decoded pairs of a source in memory."""


class CachedSource:
    """A source that reads each pair of another source once.

    Pairs are kept until `max_bytes` are used; the others are read anew each
    time. The arrays are shared: do not write into them.

    Args:
        source: any source of `(image, label)` pairs.
        max_bytes: integer. Defaults to 1 GiB.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import CachedSource

    pairs = [(np.zeros((4, 4, 3), "uint8"), np.zeros((4, 4), "uint8"))]
    source = CachedSource(pairs)
    print(source[0][0] is source[0][0])  # True
    ```
    """

    def __init__(self, source, max_bytes=2**30):
        self.source = source
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.kept = {}

    def __len__(self):
        return len(self.source)

    def __getattr__(self, name):
        if name == "source":  # not yet set, as while unpickling
            raise AttributeError(name)
        return getattr(self.source, name)

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
