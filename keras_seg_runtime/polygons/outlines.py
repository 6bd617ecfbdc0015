"""The outlines of the connected parts of a mask, found with OpenCV."""

import dataclasses

import numpy as np

from keras_seg_runtime.optional import import_optional


@dataclasses.dataclass(frozen=True)
class Outline:
    """The outline of one connected part of a mask.

    Each ring is an integer array `(N, 2)` of x and y in half pixels, in quarters of
    pixels: the position 2 * p is the first half of pixel p, and 2 * p + 1 the second.
    `on_edges` and `inside_pixels` convert a ring to pixels.
    """

    outer: np.ndarray
    holes: list
    area: int  # in pixels, without the holes


def outlines(mask, min_area=0):
    """Finds the outlines of the connected parts of a mask.

    Pixels that touch at a corner are connected; those of a hole are not.

    Args:
        mask: Boolean array `(H, W)`.
        min_area: Integer. Parts of fewer pixels are left out.

    Returns:
        List of `Outline`.

    Raises:
        ModuleNotFoundError: If OpenCV is missing.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.polygons.outlines import on_edges, outlines

    (part,) = outlines(np.array([[0, 1, 1], [0, 0, 0]]) == 1)
    print(part.area, on_edges(part.outer).tolist())
    # 2 [[1, 0], [1, 1], [3, 1], [3, 0]]
    ```
    """
    cv2 = import_optional("cv2", "Polygons need", "opencv-python-headless")
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not rows.size:
        return []
    top, left = int(rows[0]), int(columns[0])
    mask = mask[top : rows[-1] + 1, left : columns[-1] + 1].astype("uint8")
    # Of a mask at twice the size, the contour through the centres of pixels tells on
    # which side of each pixel of the mask the edge is.
    twice = mask.repeat(2, axis=0).repeat(2, axis=1)
    contours, tree = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    rings = [c.reshape(-1, 2) + np.array([2 * left, 2 * top]) for c in contours]
    areas = [_area(on_edges(ring)) for ring in rings]
    found = []
    for index, (_, _, child, parent) in enumerate(tree[0].tolist()):
        if parent >= 0:
            continue
        holes, area = [], areas[index]
        while child >= 0:
            holes.append(rings[child])
            area -= areas[child]
            child = tree[0][child][0]
        if area >= min_area:
            found.append(Outline(rings[index], holes, area))
    return found


def on_edges(ring):
    """A ring along the edges of pixels, where pixel p covers p to p + 1.

    Args:
        ring: Integer array `(N, 2)` of an `Outline`.

    Returns:
        Integer array `(M, 2)`, without points on straight lines.
    """
    points = (ring + 1) // 2
    return _without_points_on_lines(points)


def inside_pixels(ring):
    """A ring a quarter of a pixel inside its part, in the same coordinates.

    Rounded down, the points are the pixels of the part that lie at its edge. Tools that
    round, and draw the outline as well, get the same mask.

    Args:
        ring: Integer array `(N, 2)` of an `Outline`.

    Returns:
        float64 array `(N, 2)`.
    """
    return ring / 2 + 0.25


def simplified(ring, tolerance):
    """A ring with fewer points.

    Args:
        ring: Integer array `(N, 2)` of an `Outline`.
        tolerance: Float. How far the line may move, in pixels.

    Returns:
        Integer array `(M, 2)`; the ring itself if fewer than three points would
        remain.
    """
    if not tolerance:
        return ring
    cv2 = import_optional("cv2", "Polygons need", "opencv-python-headless")
    points = cv2.approxPolyDP(ring.astype("int32")[:, None], 2 * tolerance, True)
    return points.reshape(-1, 2) if len(points) >= 3 else ring


def _without_points_on_lines(points):
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    after = after - points
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return points[turns != 0]


def _area(ring):
    x, y = ring.astype("int64").T
    return abs(int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) // 2
