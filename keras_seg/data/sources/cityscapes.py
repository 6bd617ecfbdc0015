"""Cityscapes, streets of 50 cities, with fine annotations."""

import os

from keras_seg.data.files.find_root import find_root, require_files, split_parts
from keras_seg.data.sources.segmentation_folder import SegmentationFolder

IMAGE_ENDING = "_leftImg8bit.png"
MASK_ENDINGS = ("_gtFine_labelIds.png", "_gtFine_labelTrainIds.png")

# The 19 classes that Cityscapes is evaluated on, with its own colours.
#
# Names, ids and colours: https://github.com/mcordts/cityscapesScripts.
CITYSCAPES_COLOURS = {
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}

# Of the ids in the files `*_labelIds.png`, those of the classes above, in their order;
# all others are void.
CITYSCAPES_LABEL_IDS = (7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33)


class Cityscapes(SegmentationFolder):
    """The 19 classes that Cityscapes is evaluated on.

    The files lie as the archives have them, `leftImg8bit/SPLIT/CITY/*_leftImg8bit.png`
    and `gtFine/SPLIT/CITY/*_gtFine_labelIds.png`: 2,975 `train` and 500 `val` images of
    2048 x 1024 pixels. Where there are only the `_labelTrainIds.png` that the tools of
    the data set make, those are read. All other ids are void. The masks of `test` are
    not public. The data set is for research and other non-commercial use.

    Args:
        root: Folder of `leftImg8bit` and `gtFine`, or one that holds it as
            `cityscapes`.
        split: `"train"`, `"val"`, `"train+val"` or a list.
        ignore_class: Integer, the id of void. Defaults to 255.

    Raises:
        ValueError: If a split is unknown or its files are not there.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import Cityscapes

    with tempfile.TemporaryDirectory() as root:
        for kind, mode, end in (
            ("leftImg8bit", "RGB", "leftImg8bit"),
            ("gtFine", "L", "gtFine_labelIds"),
        ):
            folder = os.path.join(root, kind, "val", "ulm")
            os.makedirs(folder)
            path = os.path.join(folder, f"ulm_000000_000019_{end}.png")
            Image.new(mode, (8, 6), 26).save(path)
        image, label = Cityscapes(root, "val")[0]
    print(np.unique(label))  # [13], a car
    ```
    """

    def __init__(self, root, split="train", ignore_class=255) -> None:
        images, masks = [], []
        ending = MASK_ENDINGS[0]
        for part in split_parts(split, ("train", "val")):
            needed = [f"{kind}/{part}" for kind in ("leftImg8bit", "gtFine")]
            base = find_root("Cityscapes", root, ["cityscapes"], needed)
            folder = os.path.join(base, needed[0])
            stems = [
                os.path.join(city, name.removesuffix(IMAGE_ENDING))
                for city in sorted(os.listdir(folder))
                if os.path.isdir(os.path.join(folder, city))
                for name in sorted(os.listdir(os.path.join(folder, city)))
                if name.endswith(IMAGE_ENDING) and not name.startswith(".")
            ]
            if not stems:
                raise ValueError(
                    f"Cityscapes: there is no image in '{folder}', expected "
                    f"CITY/*{IMAGE_ENDING}. Unpack leftImg8bit_trainvaltest.zip."
                )
            images += [os.path.join(folder, stem + IMAGE_ENDING) for stem in stems]
            masks += [os.path.join(base, needed[1], stem) for stem in stems]
        if not os.path.isfile(masks[0] + ending):
            if os.path.isfile(masks[0] + MASK_ENDINGS[1]):
                ending = MASK_ENDINGS[1]
        masks = [mask + ending for mask in masks]
        require_files("Cityscapes", masks)
        id_map, void_ids = {}, ()
        if ending == MASK_ENDINGS[0]:
            id_map = {old: new for new, old in enumerate(CITYSCAPES_LABEL_IDS)}
            void_ids = [i for i in range(256) if i not in id_map]
        elif ignore_class != 255:
            void_ids = (255,)
        super().__init__(
            images,
            masks,
            class_names=list(CITYSCAPES_COLOURS),
            void_ids=void_ids,
            id_map=id_map,
            palette=list(CITYSCAPES_COLOURS.values()),
            ignore_class=ignore_class,
        )
