"""Polygons as annotations of COCO."""

from keras_seg_runtime.polygons.label_polygons import label_polygons


def coco_polygons(
    labels, num_classes, image_id=1, first_id=1, min_area=0, tolerance=1.0
) -> tuple:
    """The annotations of an image in COCO's format, as polygons: one for each class.

    Args:
        labels: Integer array `(H, W)` of class ids. Other ids, such as void, have no
            annotation.
        num_classes: Integer.
        image_id, first_id: See `keras_seg_runtime.coco_annotations`.
        min_area, tolerance: See `keras_seg_runtime.label_polygons`.

    Returns:
        `(annotations, left_out)`: dictionaries as from
        `keras_seg_runtime.coco_annotations`, whose `segmentation` is a list of
        polygons `[x, y, x, y, ...]`, and the areas of the parts that were left out.
        Holes are connected to the outline.

    Raises:
        ValueError: See `keras_seg_runtime.label_polygons`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime import coco_polygons

    (sky, sea), _ = coco_polygons(np.array([[0, 0], [1, 1]]), num_classes=2)
    print(sea["segmentation"])  # [[0.0, 1.0, 0.0, 2.0, 2.0, 2.0, 2.0, 1.0]]
    ```
    """
    polygons, left_out = label_polygons(labels, num_classes, min_area, tolerance)
    by_class = {}
    for polygon in polygons:
        by_class.setdefault(polygon.class_id, []).append(polygon)
    annotations = []
    for class_id, parts in by_class.items():
        low = [min(part.points[:, axis].min() for part in parts) for axis in (0, 1)]
        high = [max(part.points[:, axis].max() for part in parts) for axis in (0, 1)]
        annotations.append(
            {
                "id": first_id + len(annotations),
                "image_id": image_id,
                "category_id": class_id,
                "segmentation": [
                    rounded(part.points).ravel().tolist() for part in parts
                ],
                "area": sum(part.area for part in parts),
                "bbox": [
                    float(value) for value in (*low, high[0] - low[0], high[1] - low[1])
                ],
                "iscrowd": 0,
            }
        )
    return annotations, left_out


def rounded(points):
    """Points with as many digits as files need."""
    return points.round(3)
