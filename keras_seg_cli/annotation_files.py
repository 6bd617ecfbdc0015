"""Label maps of a batch of images in the files of tools for labelling."""

import json
import os

from keras_seg_cli.batch import tell
from keras_seg_cli.share_report import conflict_of_report


class AnnotationFiles:
    """The files of COCO, Labelme and CVAT that the options ask for.

    Args:
        options: Namespace of `coco`, `coco_form`, `labelme`, `cvat`, `min_area` and
            `simplify`; a path that is `None` asks for no file.
        class_names: List of strings, all different.
        palette: Array `(K, 3)`, 0..255, or `None`.
        images: Paths of all images of the batch.

    Example:

    ```python
    import numpy as np
    from keras_seg_cli.annotation_files import AnnotationFiles
    from keras_seg_cli.main import build_parser

    options = build_parser().parse_args(["predict", "a.jpg", "-o", "out"])
    files = AnnotationFiles(options, ["sky", "sea"], None, ["a.jpg"])
    files.add("a.jpg", np.zeros((4, 6), "uint8"))
    files.write()
    ```
    """

    def __init__(self, options, class_names, palette, images):
        self.options, self.class_names = options, class_names
        self.images = images
        self.coco = {
            "images": [],
            "annotations": [],
            "categories": [
                {"id": class_id, "name": name}
                for class_id, name in enumerate(class_names)
            ],
        }
        if options.cvat:
            from keras_seg_runtime import CvatImages

            self.cvat = CvatImages(class_names, palette)

    def add(self, image, labels):
        """Adds the labels `(H, W)` of an image file; writes its file of Labelme."""
        left_out = []
        if self.options.coco:
            left_out = self._add_to_coco(image, labels)
        if self.options.labelme:
            left_out = self._write_labelme(image, labels)
        if self.options.cvat:
            name = os.path.relpath(image, _common_folder(self.images))
            left_out = self.cvat.add(
                name.replace(os.sep, "/"), labels, **self._polygon_options()
            )
        if left_out:
            share = sum(left_out) / labels.size
            tell(
                f"{image}: {len(left_out)} parts below {self.options.min_area} pixels "
                f"are left out of the polygons, {share:.2%} of the image"
            )

    def write(self):
        """Writes the files of all images, once these are added."""
        from keras_seg_runtime.unfinished_file import unfinished_file

        if self.options.coco:
            with unfinished_file(self.options.coco) as draft:
                _write_json(draft, self.coco)
        if self.options.cvat:
            with unfinished_file(self.options.cvat) as draft:
                with open(draft, "wb") as file:
                    self.cvat.write(file)

    def _polygon_options(self):
        return {"min_area": self.options.min_area, "tolerance": self.options.simplify}

    def _add_to_coco(self, image, labels):
        from keras_seg_runtime import coco_annotations, coco_polygons

        images, annotations = self.coco["images"], self.coco["annotations"]
        height, width = labels.shape
        entry = {"file_name": str(image), "height": height, "width": width}
        images.append({"id": len(images) + 1, **entry})
        ids = {"image_id": len(images), "first_id": len(annotations) + 1}
        count = len(self.class_names)
        if self.options.coco_form == "rle":
            annotations += coco_annotations(labels, count, **ids)
            return []
        found, left_out = coco_polygons(labels, count, **ids, **self._polygon_options())
        annotations += found
        return left_out

    def _write_labelme(self, image, labels):
        from keras_seg_runtime import labelme_content
        from keras_seg_runtime.unfinished_file import unfinished_file

        path = labelme_path(self.options.labelme, image)
        content, left_out = labelme_content(
            labels,
            self.class_names,
            os.path.relpath(image, self.options.labelme).replace(os.sep, "/"),
            **self._polygon_options(),
        )
        with unfinished_file(path) as draft:
            _write_json(draft, content)
        return left_out


def labelme_path(folder, image):
    """The path of the file of an image, of the image's name as Labelme expects it."""
    stem = os.path.splitext(os.path.basename(image))[0]
    return os.path.join(folder, f"{stem}.json")


def conflict_of_annotations(options, images, taken):
    """Checks that the files can be written.

    Args:
        options: See `AnnotationFiles`, and `overwrite`.
        images: Paths of all images of the batch.
        taken: Further paths that no file may replace.

    Returns:
        A message of one line, or `None`.

    Example:

    ```python
    from keras_seg_cli.annotation_files import conflict_of_annotations
    from keras_seg_cli.main import build_parser

    words = ["predict", "a.jpg", "--coco", "a.jpg", "--overwrite"]
    options = build_parser().parse_args(words)
    print(conflict_of_annotations(options, ["a.jpg"], []))
    ```
    """
    files = [("--coco", options.coco), ("--cvat", options.cvat)]
    if options.labelme:
        paths = {}
        for image in images:
            path = labelme_path(options.labelme, image)
            if path.casefold() in paths:
                return (
                    f"--labelme {path}: {paths[path.casefold()]} and {image} would "
                    "share this file. Label images of the same name one after another."
                )
            paths[path.casefold()] = image
            files.append(("--labelme", path))
    taken = [*images, *taken]
    for option, path in files:
        problem = conflict_of_report(path, taken, options.overwrite)
        if problem:
            return f"{option} {problem}"
        taken += [path] if path else []
    return None


def _common_folder(images):
    folders = {os.path.dirname(os.path.abspath(image)) for image in images}
    return os.path.commonpath(folders)


def _write_json(path, content):
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(content, file)
