"""Positions of the windows over a large image and the weights of their logits."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Window:
    """One window along one axis, in pixels.

    The window covers `[start, stop)`. Of its logits, `[first, last)` are used,
    multiplied by `weight`; no later window contributes to `[first, settled)`.
    """

    start: int
    stop: int
    first: int
    settled: int
    last: int
    weight: np.ndarray | None  # (last - first,), or None where all are 1


class WindowAxis:
    """The windows along one axis; their weights sum to 1 at each pixel.

    Use `WindowAxis.averaged` or `WindowAxis.blended` to create one.

    Args:
        begin, end: Integers. The range of the image for which logits are computed.
        windows: List of `Window`, in order.
    """

    def __init__(self, begin, end, windows):
        self.begin, self.end, self.windows = begin, end, windows

    def part(self, begin, end):
        """The windows that contribute to `[begin, end)`."""
        windows = []
        for window in self.windows:
            first, last = max(window.first, begin), min(window.last, end)
            if first < last:
                settled = min(max(window.settled, first), last)
                weight = window.weight
                if weight is not None:
                    weight = weight[first - window.first : last - window.first]
                windows.append(
                    dataclasses.replace(
                        window, first=first, settled=settled, last=last, weight=weight
                    )
                )
        return WindowAxis(begin, end, windows)

    @classmethod
    def averaged(cls, size, window, stride):
        """Windows of equal weight, the last one shifted back to the end.

        Args:
            size: Integer. Length of the image along this axis.
            window: Integer. Length of a window.
            stride: Integer, at most `window`.
        """
        last_start = max(size - window, 0)
        starts = [*range(0, last_start, stride), last_start]
        counts = np.zeros(size, "float32")  # how many windows cover each pixel
        for start in starts:
            counts[start : start + window] += 1
        windows = []
        for start, following in zip(starts, [*starts[1:], size], strict=True):
            stop = min(start + window, size)
            weight = _weight(1.0 / counts[start:stop])
            windows.append(Window(start, stop, start, following, stop, weight))
        return cls(0, size, windows)

    @classmethod
    def blended(cls, size, window, overlap):
        """Evenly spaced windows that are blended linearly where they overlap.

        Args:
            size: Integer. Length of the image along this axis.
            window: Integer. Length of a window; a longer one is cut to `size`.
            overlap: Float in `[0, 0.5]`. Minimum share of a window that overlaps the
                next.
        """
        window = min(int(window), size)
        shared = min(int(window * overlap), window - 1)
        count = 1 + math.ceil((size - window) / (window - shared))
        starts = [
            round(index * (size - window) / max(count - 1, 1)) for index in range(count)
        ]
        # The fade between two windows is in the middle of their overlap, away from the
        # borders of both, and is no longer than the stride.
        fades = [(0, 0)]
        for here, there in zip(starts, starts[1:], strict=False):
            length = min(shared, there - here)
            begin = (there + here + window - length) // 2
            fades.append((begin, begin + length))
        fades.append((size, size))
        windows = []
        for start, before, after in zip(starts, fades[:-1], fades[1:], strict=True):
            weight = np.ones(after[1] - before[0], "float32")
            weight[: before[1] - before[0]] *= _ramp(before)
            weight[after[0] - before[0] :] *= 1.0 - _ramp(after)
            windows.append(
                Window(
                    start,
                    start + window,
                    first=before[0],
                    settled=after[0],
                    last=after[1],
                    weight=_weight(weight),
                )
            )
        return cls(0, size, windows)


def window_for(height, width, overlap, max_pixels):
    """The window `(height, width)` for an image, of at most `max_pixels` pixels.

    A small image is one window. Larger ones are divided into near-square windows, or
    into long ones if the image is narrow. The windows are as small as this number of
    windows allows.
    """
    if height * width <= max_pixels:
        return height, width
    side = math.isqrt(max_pixels)
    if height <= side:
        window = height, max_pixels // height
    elif width <= side:
        window = max_pixels // width, width
    else:
        window = side, side
    return _even(height, window[0], overlap), _even(width, window[1], overlap)


def _even(size, window, overlap):
    """The smallest window that covers `size` in as many steps as `window` does."""
    count = len(WindowAxis.blended(size, window, overlap).windows)
    # size = window * (count - (count - 1) * overlap)
    return min(window, math.ceil(size / (count - (count - 1) * overlap)) + 1)


def _ramp(fade):
    """Weights of a fade, increasing linearly from near 0 to near 1."""
    length = fade[1] - fade[0]
    return (np.arange(length, dtype="float32") + 0.5) / max(length, 1)


def _weight(values):
    return None if (values == 1).all() else values
