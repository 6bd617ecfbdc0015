"""The polygons of a label map."""

import dataclasses

import numpy as np

from keras_seg_runtime.labels.label_map import as_label_map
from keras_seg_runtime.polygons.join_holes import join_holes
from keras_seg_runtime.polygons.outlines import (
    inside_pixels,
    on_edges,
    outlines,
    simplified,
)

PLACES = {"edges": on_edges, "pixels": inside_pixels}


@dataclasses.dataclass(frozen=True)
class LabelPolygon:
    """One connected part of a class.

    Attributes:
        class_id: Integer.
        points: float64 array `(N, 2)` of x and y; the last point is not the first.
        area: Integer. Number of pixels.
    """

    class_id: int
    points: np.ndarray
    area: int


def label_polygons(
    labels, num_classes, min_area=0, tolerance=1.0, place="edges"
) -> tuple:
    """Converts a label map to polygons, one for each connected part of a class.

    Most formats know no holes, so a hole is connected to the outline by a cut of no
    width, see `keras_seg_runtime.polygons.join_holes`. With `tolerance=0` the polygons
    have all pixels of the map.

    Args:
        labels: Integer array `(H, W)` of class ids. Other ids, such as void, have no
            polygons.
        num_classes: Integer.
        min_area: Integer. Parts of fewer pixels are left out.
        tolerance: Float, at least 0. How far an outline may move to have fewer points,
            in pixels.
        place: `"edges"`: along the edges of pixels, where the first pixel covers 0 to
            1. `"pixels"`: a quarter of a pixel inside, for tools that round points to
            pixels and draw the outline.

    Returns:
        `(polygons, left_out)`: list of `LabelPolygon`, by class and then by area, the
        largest first; and the areas of the parts that were left out, a list of
        integers.

    Raises:
        ValueError: If `labels` is not an integer map or an option is out of range.
        ModuleNotFoundError: If OpenCV is missing.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime import label_polygons

    (sky, sea), left_out = label_polygons(np.array([[0, 0], [1, 1]]), num_classes=2)
    print(sea.area, sea.points.tolist())
    # 2 [[0.0, 1.0], [0.0, 2.0], [2.0, 2.0], [2.0, 1.0]]
    ```
    """
    labels = as_label_map(labels)
    if place not in PLACES:
        raise ValueError(f"`place` must be one of {list(PLACES)}. Received: {place!r}")
    for name, value in (("min_area", min_area), ("tolerance", tolerance)):
        if not value >= 0:
            raise ValueError(f"`{name}` must be at least 0. Received: {value!r}")
    polygons, left_out = [], []
    for class_id in np.unique(labels).tolist():
        if not 0 <= class_id < num_classes:
            continue
        parts = sorted(outlines(labels == class_id), key=lambda part: -part.area)
        left_out += [part.area for part in parts if part.area < min_area]
        polygons += [
            LabelPolygon(class_id, _points(part, tolerance, PLACES[place]), part.area)
            for part in parts
            if part.area >= min_area
        ]
    return polygons, left_out


def _points(part, tolerance, convert):
    rings = [convert(simplified(ring, tolerance)) for ring in (part.outer, *part.holes)]
    if all(len(ring) >= 3 for ring in rings):
        points = join_holes(rings[0], rings[1:])
        if points is not None:
            return points
    outer, *holes = (convert(ring) for ring in (part.outer, *part.holes))
    return join_holes(outer, holes)
