"""Polygons as XML of CVAT, the format "CVAT for images 1.1"."""

from xml.etree import ElementTree

from keras_seg_runtime.polygons.coco import rounded
from keras_seg_runtime.polygons.label_polygons import label_polygons


class CvatImages:
    """Collects the polygons of images and writes them as XML of CVAT.

    A task of CVAT with the same labels takes the file under "Upload annotations".
    Holes are connected to the outline.

    Args:
        class_names: List of strings, all different.
        palette: Array `(K, 3)`, 0..255, or `None`.

    Example:

    ```python
    import io

    import numpy as np
    from keras_seg_runtime import CvatImages

    images = CvatImages(["sky", "sea"])
    images.add("photo.jpg", np.array([[0, 0], [1, 1]]))
    file = io.BytesIO()
    images.write(file)
    print(file.getvalue().count(b"<polygon"))  # 2
    ```
    """

    def __init__(self, class_names, palette=None) -> None:
        self.class_names = list(class_names)
        self.root = ElementTree.Element("annotations")
        self.count = 0
        ElementTree.SubElement(self.root, "version").text = "1.1"
        task = ElementTree.SubElement(ElementTree.SubElement(self.root, "meta"), "task")
        labels = ElementTree.SubElement(task, "labels")
        for class_id, name in enumerate(self.class_names):
            label = ElementTree.SubElement(labels, "label")
            ElementTree.SubElement(label, "name").text = _text(name)
            if palette is not None:
                colour = "#{:02x}{:02x}{:02x}".format(*map(int, palette[class_id]))
                ElementTree.SubElement(label, "color").text = colour
            ElementTree.SubElement(label, "attributes")

    def add(self, name, labels, min_area=0, tolerance=1.0):
        """Adds the polygons of an image.

        Args:
            name: Name of the image in the task.
            labels: Integer array `(H, W)` of class ids. Other ids, such as void, have
                no polygons.
            min_area, tolerance: See `keras_seg_runtime.label_polygons`.

        Returns:
            The areas of the parts that were left out, a list of integers.
        """
        polygons, left_out = label_polygons(
            labels, len(self.class_names), min_area, tolerance
        )
        height, width = labels.shape
        image = ElementTree.SubElement(
            self.root,
            "image",
            id=str(self.count),
            name=_text(name),
            width=str(width),
            height=str(height),
        )
        self.count += 1
        for polygon in sorted(polygons, key=lambda polygon: -polygon.area):
            points = rounded(polygon.points).tolist()
            ElementTree.SubElement(
                image,
                "polygon",
                label=_text(self.class_names[polygon.class_id]),
                source="auto",
                occluded="0",
                points=";".join(f"{x:g},{y:g}" for x, y in points),
                z_order="0",
            )
        return left_out

    def write(self, file):
        """Writes the XML to a binary file."""
        ElementTree.indent(self.root)
        tree = ElementTree.ElementTree(self.root)
        tree.write(file, encoding="utf-8", xml_declaration=True)


def _text(name):
    """A name without characters that XML cannot hold."""
    return (
        "".join(c if c.isprintable() else "?" for c in str(name))
        .encode("utf-8", "replace")
        .decode()
    )
