"""Label maps of a batch of images as one file in COCO's format."""

import json
import os


class CocoFile:
    """Collects the labels of images and writes them as JSON of COCO.

    Args:
        path: Path of the file, or `None`: nothing is collected and written.
        class_names: List of strings.

    Example:

    ```python
    import numpy as np
    from keras_seg_cli.coco_file import CocoFile

    file = CocoFile(None, ["sky", "sea"])
    file.add("a.jpg", np.zeros((4, 6), "uint8"))
    file.write()
    ```
    """

    def __init__(self, path, class_names):
        self.path = path
        self.content = {
            "images": [],
            "annotations": [],
            "categories": [
                {"id": class_id, "name": name}
                for class_id, name in enumerate(class_names)
            ],
        }

    def add(self, image, labels):
        """Adds the labels `(H, W)` of an image file."""
        if self.path is None:
            return
        from keras_seg_runtime import coco_annotations

        images, annotations = self.content["images"], self.content["annotations"]
        height, width = labels.shape
        entry = {"file_name": str(image), "height": height, "width": width}
        images.append({"id": len(images) + 1, **entry})
        annotations += coco_annotations(
            labels,
            len(self.content["categories"]),
            image_id=len(images),
            first_id=len(annotations) + 1,
        )

    def write(self):
        """Writes the file once all images are added."""
        if self.path is None:
            return
        folder, name = os.path.split(os.path.abspath(self.path))
        os.makedirs(folder, exist_ok=True)
        draft = os.path.join(folder, f".{name}.{os.getpid()}")
        try:
            with open(draft, "w", encoding="utf-8", errors="backslashreplace") as file:
                json.dump(self.content, file)
            os.replace(draft, self.path)
        finally:
            if os.path.exists(draft):
                os.unlink(draft)
