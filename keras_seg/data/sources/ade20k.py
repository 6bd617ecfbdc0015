"""ADE20K, scenes of every kind, as its scene parsing benchmark publishes it."""

import os

from keras_seg.data.files.find_root import find_root, split_parts
from keras_seg.data.files.pair_files import pair_files
from keras_seg.data.sources.ade20k_classes import ADE20K_COLOURS
from keras_seg.data.sources.segmentation_folder import SegmentationFolder

FOLDERS = {"train": "training", "val": "validation"}


class ADE20K(SegmentationFolder):
    """The 150 classes of ADE20K; id 0 of the mask files is void, id 1 class 0.

    The files lie as `ADEChallengeData2016.zip` has them: `images/training`,
    `images/validation` (20,210 and 2,000 images), and `annotations` likewise. The data
    set is for research and other non-commercial use.

    Args:
        root: folder `ADEChallengeData2016`, or the one that holds it.
        split: `"train"`, `"val"`, `"train+val"` or a list.
        ignore_class: integer id of void. Defaults to 255.

    Raises:
        ValueError: if a split is unknown or its files are not there.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import ADE20K

    with tempfile.TemporaryDirectory() as root:
        for kind, mode, end in (("images", "RGB", "jpg"), ("annotations", "L", "png")):
            folder = os.path.join(root, kind, "validation")
            os.makedirs(folder)
            path = os.path.join(folder, f"ADE_val_00000001.{end}")
            Image.new(mode, (8, 6), 3).save(path)
        image, label = ADE20K(root, "val")[0]
    print(np.unique(label))  # [2], the sky
    ```
    """

    def __init__(self, root, split="train", ignore_class=255):
        images, masks = [], []
        for part in split_parts(split, FOLDERS):
            needed = [f"{kind}/{FOLDERS[part]}" for kind in ("images", "annotations")]
            base = find_root("ADE20K", root, ["ADEChallengeData2016"], needed)
            pairs, problems = pair_files(*(os.path.join(base, n) for n in needed))
            problems = [p for p in problems if p[0] != "masks without image"]
            if problems:
                raise ValueError(
                    " ".join(f"{found} {fix}" for _, found, fix in problems)
                )
            images += [image for image, _ in pairs]
            masks += [mask for _, mask in pairs]
        super().__init__(
            images,
            masks,
            class_names=list(ADE20K_COLOURS),
            void_ids=(0,),
            id_map={i + 1: i for i in range(len(ADE20K_COLOURS))},
            palette=list(ADE20K_COLOURS.values()),
            ignore_class=ignore_class,
        )
