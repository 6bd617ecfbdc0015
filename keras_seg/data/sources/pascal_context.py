"""PASCAL-Context, whole scenes of the photos of PASCAL VOC 2010."""

import os

from keras_seg.data.files.find_root import (
    find_root,
    read_list,
    require_files,
    split_parts,
)
from keras_seg.data.palette import default_palette
from keras_seg.data.sources.segmentation_folder import SegmentationFolder

LISTS = "ImageSets/SegmentationContext"

# The 59 most frequent classes of PASCAL-Context; all others count as background.
#
# Names and order: https://cs.stanford.edu/~roozbeh/pascal-context. Colours: ours, all
# different.
PASCAL_CONTEXT_NAMES = (
    "aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, table, dog, "
    "horse, motorbike, person, pottedplant, sheep, sofa, train, tvmonitor, bag, bed, "
    "bench, book, building, cabinet, ceiling, cloth, computer, cup, door, fence, "
    "floor, flower, food, grass, ground, keyboard, light, mountain, mouse, curtain, "
    "platform, sign, plate, road, rock, shelves, sidewalk, sky, snow, bedclothes, "
    "track, tree, truck, wall, water, window, wood"
).split(", ")

PASCAL_CONTEXT_COLOURS = {
    name: tuple(colour)
    for name, colour in zip(
        PASCAL_CONTEXT_NAMES,
        default_palette(len(PASCAL_CONTEXT_NAMES)).tolist(),
        strict=True,
    )
}


class PascalContext(SegmentationFolder):
    """The 59 classes of PASCAL-Context; id 0 of the mask files is background.

    The files lie in `VOC2010`, as converted from the annotations by the usual tools:
    `JPEGImages/*.jpg`, `SegmentationClassContext/*.png` with ids 0 to 59, and
    `ImageSets/SegmentationContext/SPLIT.txt` (4,996 `train` and 5,104 `val` images).

    Args:
        root: Folder `VOC2010`, or the one that holds it or `VOCdevkit`.
        split: `"train"`, `"val"`, `"train+val"` or a list.
        background: Boolean. Whether background is class 0 of 60 instead of void.
        ignore_class: Integer, the id of void. Defaults to 255.

    Raises:
        ValueError: If a split is unknown or its files are not there.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import PascalContext

    with tempfile.TemporaryDirectory() as root:
        for kind in ("JPEGImages", "SegmentationClassContext", "ImageSets"):
            os.mkdir(os.path.join(root, kind))
        os.mkdir(os.path.join(root, "ImageSets", "SegmentationContext"))
        for path, text in (("ImageSets/SegmentationContext/val.txt", "2008_000002"),):
            with open(os.path.join(root, path), "w") as file:
                file.write(text)
        image = Image.new("RGB", (8, 6))
        image.save(os.path.join(root, "JPEGImages", "2008_000002.jpg"))
        mask = Image.new("L", (8, 6), 1)
        mask.save(os.path.join(root, "SegmentationClassContext", "2008_000002.png"))
        image, label = PascalContext(root, "val")[0]
    print(np.unique(label))  # [0], an aeroplane
    ```
    """

    def __init__(self, root, split="train", background=False, ignore_class=255) -> None:
        images, masks = [], []
        for part in split_parts(split, ("train", "val")):
            needed = ["JPEGImages", "SegmentationClassContext", f"{LISTS}/{part}.txt"]
            inner = ["VOC2010", os.path.join("VOCdevkit", "VOC2010")]
            base = find_root("PASCAL-Context", root, inner, needed)
            for name in read_list(os.path.join(base, needed[2])):
                images.append(os.path.join(base, needed[0], f"{name}.jpg"))
                masks.append(os.path.join(base, needed[1], f"{name}.png"))
        require_files("PASCAL-Context", images)
        require_files("PASCAL-Context", masks)
        colours, void_ids, id_map = PASCAL_CONTEXT_COLOURS, (), {}
        if background:
            colours = {"background": (0, 0, 0), **colours}
        else:
            void_ids = (0,)
            id_map = {i + 1: i for i in range(len(colours))}
        super().__init__(
            images,
            masks,
            class_names=list(colours),
            void_ids=void_ids,
            id_map=id_map,
            palette=list(colours.values()),
            ignore_class=ignore_class,
        )
