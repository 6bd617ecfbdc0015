"""Where the tiles of a large image lie and how they share their overlaps."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Part:
    """One tile along one axis, all in pixels of the image.

    The model sees `[tile_start, tile_stop)`; of its answer `[start, stop)` is used,
    whose first `fade_in` and last `fade_out` pixels are shared with the neighbours.
    """

    tile_start: int
    tile_stop: int
    start: int
    stop: int
    fade_in: int
    fade_out: int


class Axis:
    """Equal tiles over `size` pixels: `parts` lists them from the first on.

    Args:
        size: Integer: length of the image along this axis.
        tile: Integer: length of a tile; a longer one is cut to `size`.
        overlap: Float in `[0, 0.5]`: least share of a tile that overlaps the next.
    """

    def __init__(self, size, tile, overlap):
        tile = min(int(tile), size)
        shared = min(int(tile * overlap), tile - 1)
        count = 1 + math.ceil((size - tile) / (tile - shared))
        starts = [
            round(index * (size - tile) / max(count - 1, 1)) for index in range(count)
        ]
        # The fade between two tiles lies in the middle of what they share, away from
        # the borders of both, and is no longer than the way from seam to seam.
        fades = []
        for here, there in zip(starts, starts[1:], strict=False):
            length = min(shared, there - here)
            begin = (there + here + tile - length) // 2
            fades.append((begin, begin + length))
        begins = [(0, 0), *fades]
        ends = [*fades, (size, size)]
        self.parts = [
            Part(
                tile_start=start,
                tile_stop=start + tile,
                start=begin[0],
                stop=end[1],
                fade_in=begin[1] - begin[0],
                fade_out=end[1] - end[0],
            )
            for start, begin, end in zip(starts, begins, ends, strict=True)
        ]


def auto_tile(height, width, overlap, max_pixels):
    """The tile `(height, width)` for an image, of at most `max_pixels` pixels.

    Small images are one tile. Others get near-square tiles, a narrow image long
    ones, and no tile is larger than an even division of the image asks for.
    """
    if height * width <= max_pixels:
        return height, width
    side = math.isqrt(max_pixels)
    if height <= side:
        tile = height, max_pixels // height
    elif width <= side:
        tile = max_pixels // width, width
    else:
        tile = side, side
    return _even(height, tile[0], overlap), _even(width, tile[1], overlap)


def _even(size, tile, overlap):
    """The smallest tile that covers `size` in as many steps as `tile` does."""
    count = len(Axis(size, tile, overlap).parts)
    # count tiles with count - 1 overlaps: size = tile * (count - (count - 1) * overlap)
    return min(tile, math.ceil(size / (count - (count - 1) * overlap)) + 1)


def blend_ramp(length):
    """Weights `(length,)` of a tile that fades in, from near 0 to near 1."""
    return (np.arange(length, dtype="float32") + 0.5) / max(length, 1)
