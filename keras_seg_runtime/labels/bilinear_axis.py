"""Bilinear resizing along one axis, in parts, and one resizing after another."""

import dataclasses

import numpy as np

# Maximum number of new pixels in one group of `pixel_groups`.
MAX_GROUP = 64


@dataclasses.dataclass
class BilinearAxis:
    """New pixels along an axis as weighted means of neighbouring cells.

    Pixel `i` is the mean of the cells `first[i], first[i] + 1, ...` with the weights
    `weights[i]`. Cells beyond the last one are the last one. One bilinear resizing
    needs two cells, two of them, one after the other, three or more.

    Args:
        first: Integer array `(n,)`, not decreasing.
        weights: float32 array `(n, T)`.
        size: Integer. Number of cells.
    """

    first: np.ndarray
    weights: np.ndarray
    size: int

    @classmethod
    def identity(cls, size):
        """An axis that is not resized."""
        return cls(np.arange(size), np.ones((size, 1), "float32"), size)

    @classmethod
    def between(cls, size, new_size, dtype="float64"):
        """An axis that is resized with half-pixel centres.

        Args:
            size, new_size: Integers. Number of cells and of pixels.
            dtype: String. `"float32"` rounds the positions as the layers of a model do.
        """
        pixels = np.arange(new_size, dtype=dtype)
        ratio = np.dtype(dtype).type(size) / np.dtype(dtype).type(new_size)
        position = np.clip((pixels + 0.5) * ratio - 0.5, 0, size - 1)
        first = np.floor(position).astype("int64")
        weight = (position - first).astype("float32")
        return cls(first, np.stack([1 - weight, weight], axis=1), size)

    def then(self, other):
        """This axis, resized once more.

        Args:
            other: `BilinearAxis` whose cells are the pixels of this one.
        """
        cells = np.minimum(other.first[:, None] + other.taps, other.size - 1)
        offset = self.first[cells]  # (n, T)
        first = offset[:, 0].copy()
        offset -= first[:, None]
        count = len(self.taps) + int(offset.max(initial=0))
        weights = np.zeros((len(first), count), "float32")
        pixels = np.arange(len(first))
        for i in other.taps:
            for j in self.taps:
                weight = other.weights[:, i] * self.weights[cells[:, i], j]
                weights[pixels, offset[:, i] + j] += weight
        return BilinearAxis(first, weights, self.size)

    @property
    def taps(self):
        """The numbers of the cells that a pixel is the mean of: 0, 1, ..."""
        return np.arange(self.weights.shape[1])

    @property
    def last(self):
        """The last cell of each pixel."""
        return np.minimum(self.first + self.taps[-1], self.size - 1)

    def reaching(self, start, stop):
        """The range of new pixels whose last cell lies in `[start, stop)`."""
        return range(*np.searchsorted(self.last, [start, stop]).tolist())

    def part(self, start, stop, origin=0):
        """A part of the new pixels, with cells counted from `origin`."""
        part = slice(start, stop)
        return BilinearAxis(
            self.first[part] - origin, self.weights[part], self.size - origin
        )

    @property
    def span(self):
        """The range of all cells that are used."""
        return slice(int(self.first[0]), int(self.last[-1]) + 1)

    def of_span(self):
        """The same pixels for an array that holds only the cells of `span`."""
        start, stop = self.span.start, self.span.stop
        return BilinearAxis(self.first - start, self.weights, stop - start)

    def resize(self, x, axis):
        """Resizes along an axis; `x` holds the cells of `span`."""
        start = self.first[0]
        parts = (
            x.take(np.minimum(self.first + i, self.size - 1) - start, axis)
            for i in self.taps
        )
        shape = [len(self.first) if i == axis else 1 for i in range(x.ndim)]
        return weighted_mean(parts, self.weights.T.reshape(-1, *shape))

    def pixel_groups(self):
        """Groups of up to 64 neighbouring pixels that are means of the same cells.

        Returns:
            `(cells, counts, pixels, weights)` of the shapes `(m, T)`, `(m,)`, `(m, R)`
            and `(m, R, T)`, where `R` is the largest number of pixels in a group. A
            smaller group repeats its last pixel.
        """
        index = np.arange(len(self.first))
        _, begin, size = np.unique(self.first, return_index=True, return_counts=True)
        place = index - np.repeat(begin, size)  # among the pixels of the same cells
        begin = np.flatnonzero(place % MAX_GROUP == 0)
        counts = np.diff(begin, append=len(index))
        pixels = begin[:, None] + np.arange(counts.max())
        pixels = np.minimum(pixels, (begin + counts - 1)[:, None])  # (m, R)
        cells = np.minimum(self.first[begin][:, None] + self.taps, self.size - 1)
        return cells, counts, pixels, self.weights[pixels]


def weighted_mean(parts, weights):
    """The mean of arrays with weights that sum to 1.

    Two arrays are interpolated as `a + (b - a) * weight`, as in the layers of a model.
    """
    mean, *others = parts
    if len(others) == 1:
        change = others[0]
        change -= mean
        change *= weights[1]
        mean += change
        return mean
    if others:
        mean *= weights[0]
    for part, weight in zip(others, weights[1:], strict=True):
        part *= weight
        mean += part
    return mean
