"""Polygons as the JSON file of an image in Labelme."""

from keras_seg_runtime.polygons.coco import rounded
from keras_seg_runtime.polygons.label_polygons import label_polygons

VERSION = "5.5.0"  # the files are read by Labelme 4 and later


def labelme_content(
    labels, class_names, image_path, min_area=0, tolerance=1.0
) -> tuple:
    """The content of the file of an image in Labelme: one polygon for each part.

    Polygons are listed from the largest to the smallest, in which order Labelme draws
    them. Holes are connected to the outline. Points lie inside the pixels of a part,
    since Labelme rounds points down and draws the outline when it makes a mask.

    Args:
        labels: Integer array `(H, W)` of class ids. Other ids, such as void, have no
            polygons.
        class_names: List of strings.
        image_path: Path of the image, relative to the folder of the file.
        min_area, tolerance: See `keras_seg_runtime.label_polygons`.

    Returns:
        `(content, left_out)`: dictionary to write as JSON, and the areas of the parts
        that were left out.

    Raises:
        ValueError: See `keras_seg_runtime.label_polygons`.

    Example:

    ```python
    import numpy as np
    from keras_seg_runtime import labelme_content

    labels = np.array([[0, 0], [1, 1]])
    content, _ = labelme_content(labels, ["sky", "sea"], "photo.jpg")
    print([shape["label"] for shape in content["shapes"]])  # ['sky', 'sea']
    ```
    """
    polygons, left_out = label_polygons(
        labels, len(class_names), min_area, tolerance, place="pixels"
    )
    content = {
        "version": VERSION,
        "flags": {},
        "shapes": [
            {
                "label": class_names[polygon.class_id],
                "points": rounded(polygon.points).tolist(),
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
            for polygon in sorted(polygons, key=lambda polygon: -polygon.area)
        ],
        "imagePath": str(image_path),
        "imageData": None,
        "imageHeight": int(labels.shape[0]),
        "imageWidth": int(labels.shape[1]),
    }
    return content, left_out
