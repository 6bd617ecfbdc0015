"""Polygons with holes as one ring, for formats that know no holes."""

import numpy as np

# Between two heights at which rings have points.
STEP = 0.2


def join_holes(outer, holes):
    """Connects holes to the ring around them by lines of no width.

    The ring runs along the outer ring, at a cut to the hole, around it, and back along
    the same line. Its inside, by the even-odd rule, is that of the polygon with holes.

    Args:
        outer: Array `(N, 2)` of x and y.
        holes: List of such arrays, inside the outer ring.

    Returns:
        float64 array `(M, 2)`, or `None` if a hole has no way to the outer ring, as
        simplified rings may cross.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime.polygons.join_holes import join_holes

    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]])
    print(len(join_holes(square, [square / 4 + 1])))  # 12: two squares, two cuts
    ```
    """
    ring = np.asarray(outer, "float64")
    for hole in sorted(holes, key=lambda hole: hole[:, 0].min()):
        ring = _joined(ring, np.asarray(hole, "float64"))
        if ring is None:
            return None
    return ring


def _joined(ring, hole):
    """The ring and one hole, joined by a horizontal line on the left of the hole."""
    y = hole[hole[:, 0].argmin(), 1]
    y += STEP if hole[:, 1].max() > y else -STEP
    edges, xs = _crossings(hole, y)
    if not xs.size:
        return None
    start, x = edges[xs.argmin()], xs.min()
    hole = np.roll(hole, -(start + 1), axis=0)  # begins after the edge that is cut
    edges, xs = _crossings(ring, y)
    left = xs <= x + 1e-9  # rings of pixels that touch at a corner share a line
    if left.sum() % 2 == 0:  # not inside the ring
        return None
    nearest = xs[left].argmax()
    edge, end = edges[left][nearest], xs[left][nearest]
    cut = [[end, y], [x, y]], [[x, y], [end, y]]
    return np.concatenate([ring[: edge + 1], cut[0], hole, cut[1], ring[edge + 1 :]])


def _crossings(ring, y):
    """The edges of a ring that cross a height at which it has no point, and where."""
    after = np.roll(ring, -1, axis=0)
    edges = np.flatnonzero((ring[:, 1] < y) != (after[:, 1] < y))
    here, there = ring[edges], after[edges]
    share = (y - here[:, 1]) / (there[:, 1] - here[:, 1])
    return edges, here[:, 0] + share * (there[:, 0] - here[:, 0])
