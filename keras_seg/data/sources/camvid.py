"""CamVid, the street scenes of Cambridge, in the SegNet split."""

from keras_seg.data.files.find_root import paired_in_folders, split_parts
from keras_seg.data.sources.segmentation_folder import SegmentationFolder

# Ours, to be told apart over a photo; those of the data set are dark and alike.
CLASS_COLOURS = {
    "Sky": (110, 175, 240),
    "Building": (230, 125, 85),
    "Pole": (250, 230, 110),
    "Road": (140, 100, 170),
    "Pavement": (240, 150, 200),
    "Tree": (90, 170, 70),
    "SignSymbol": (255, 165, 0),
    "Fence": (170, 120, 75),
    "Car": (35, 95, 225),
    "Pedestrian": (230, 40, 65),
    "Bicyclist": (0, 200, 185),
}


class CamVid(SegmentationFolder):
    """CamVid with its 11 classes; id 11 of the mask files is void.

    The files lie in `root/images/SPLIT` and `root/labels/SPLIT`, and the SegNet
    split has 367 `train`, 101 `val` and 233 `test` images of 480 x 360 pixels.
    The data set is for research and other non-commercial use.

    Args:
        root: Folder of the data set.
        split: `"train"`, `"val"` or `"test"`, several of them joined as
            `"train+val"`, or a list of them.
        ignore_class: Integer, the id of void. Defaults to 255.

    Raises:
        ValueError: If a split is unknown or its files are not there.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import CamVid

    with tempfile.TemporaryDirectory() as root:
        for kind, mode, suffix in (("images", "RGB", "jpg"), ("labels", "L", "png")):
            folder = os.path.join(root, kind, "train")
            os.makedirs(folder)
            Image.new(mode, (8, 6), 11).save(os.path.join(folder, f"a.{suffix}"))
        camvid = CamVid(root, "train")
        image, label = camvid[0]
    print(camvid.num_classes, np.unique(label))  # 11 [255]
    ```
    """

    def __init__(self, root, split="train", ignore_class=255) -> None:
        parts = split_parts(split, ("train", "val", "test"))
        folders = [(f"images/{part}", f"labels/{part}") for part in parts]
        images, masks = paired_in_folders("CamVid", root, [], folders)
        super().__init__(
            images,
            masks,
            class_names=list(CLASS_COLOURS),
            void_ids=(11,),
            palette=list(CLASS_COLOURS.values()),
            ignore_class=ignore_class,
        )
