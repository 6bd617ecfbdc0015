"""Bilinear resizing along one axis, in parts."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class BilinearAxis:
    """For each new pixel along an axis, the two cells that it lies between.

    The new pixel is `lower + (upper - lower) * weight`, with half-pixel centres.
    """

    lower: np.ndarray
    upper: np.ndarray
    weight: np.ndarray

    @classmethod
    def between(cls, size, new_size):
        position = (np.arange(new_size) + 0.5) * (size / new_size) - 0.5
        position = np.clip(position, 0, size - 1)
        lower = np.floor(position).astype("int64")
        upper = np.minimum(lower + 1, size - 1)
        return cls(lower, upper, (position - lower).astype("float32"))

    def reaching(self, start, stop):
        """The range of new pixels whose upper cell lies in `[start, stop)`."""
        return range(*np.searchsorted(self.upper, [start, stop]).tolist())

    def part(self, start, stop, origin):
        """A part of the new pixels, with cells counted from `origin`."""
        part = slice(start, stop)
        return BilinearAxis(
            self.lower[part] - origin, self.upper[part] - origin, self.weight[part]
        )

    @property
    def span(self):
        """The range of all cells that are used."""
        return slice(int(self.lower[0]), int(self.upper[-1]) + 1)

    def resize(self, x, axis):
        """Resizes along an axis; `x` holds the cells of `span`."""
        first = self.lower[0]
        below = x.take(self.lower - first, axis)
        change = x.take(self.upper - first, axis)
        change -= below
        change *= np.expand_dims(self.weight, [i for i in range(3) if i != axis])
        below += change
        return below
