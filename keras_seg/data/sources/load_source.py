"""A data set by name, as command lines call it."""

import os

from keras_seg.data.files.find_root import find_root
from keras_seg.data.sources.ade20k import ADE20K
from keras_seg.data.sources.camvid import CamVid
from keras_seg.data.sources.cityscapes import Cityscapes
from keras_seg.data.sources.coco_stuff import COCOStuff10K
from keras_seg.data.sources.pascal_context import PascalContext
from keras_seg.data.sources.segmentation_folder import SegmentationFolder
from keras_seg.data.sources.tfds_source import TFDSSource

TFDS = "tfds:"
DATA_SETS = {
    "ade20k": ADE20K,
    "camvid": CamVid,
    "cityscapes": Cityscapes,
    "coco-stuff": COCOStuff10K,
    "pascal-context": PascalContext,
}


def load_source(name, root, split="train", ignore_class=255, **folder):
    """Opens a data set by its name.

    Args:
        name: a key of `DATA_SETS`, or `"folder"`: masks named like the images in
            `root/images` and `root/masks`, or in `root/images/SPLIT` and
            `root/masks/SPLIT` where `root/images` has a folder of that name; or
            `"tfds:NAME"`, one that `keras_seg.data.TFDSSource` knows, such as
            `"tfds:scene_parse150"`.
        root: folder of the data set. `None` is the own folder of tensorflow-datasets.
        split: `"train"`, `"val"`, or what else the data set has.
        ignore_class: integer id of void.
        **folder: further arguments of `keras_seg.data.SegmentationFolder` for
            `"folder"`, such as `class_names`.

    Returns:
        A source.

    Raises:
        ValueError: if there is no such data set, or it is not at `root`.

    Example:

    ```python
    from keras_seg.data import load_source

    try:
        load_source("ade20k", "nowhere", "val")
    except ValueError as error:
        print(error)  # ADE20K is not at root='nowhere' ...
    ```
    """
    if name in DATA_SETS:
        return DATA_SETS[name](root, split, ignore_class=ignore_class)
    if name.startswith(TFDS):
        known = name.removeprefix(TFDS)
        return TFDSSource(known, split, ignore_class=ignore_class, data_dir=root)
    if name != "folder":
        raise ValueError(
            f"There is no data set {name!r}. Expected one of "
            f"{', '.join([*DATA_SETS, 'folder', f'{TFDS}NAME'])}."
        )
    needed = ["images", "masks"]
    if os.path.isdir(os.path.join(root, "images", split)):
        needed = [f"{kind}/{split}" for kind in needed]
    root = find_root("The data set", root, [], needed)
    folders = [os.path.join(root, kind) for kind in needed]
    return SegmentationFolder(*folders, ignore_class=ignore_class, **folder)
