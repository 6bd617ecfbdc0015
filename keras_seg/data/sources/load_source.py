"""A data set by name, as command lines call it."""

import os
from typing import Any

from keras_seg.data.files.find_root import find_root
from keras_seg.data.sources.ade20k import ADE20K
from keras_seg.data.sources.camvid import CamVid
from keras_seg.data.sources.cityscapes import Cityscapes
from keras_seg.data.sources.coco_stuff import COCOStuff10K
from keras_seg.data.sources.pascal_context import PascalContext
from keras_seg.data.sources.segmentation_folder import SegmentationFolder
from keras_seg.data.sources.tfds_source import TFDSSource

TFDS = "tfds:"
SPLIT_FOLDERS = ("train", "training", "val", "valid", "validation", "test")
DATA_SETS = {
    "ade20k": ADE20K,
    "camvid": CamVid,
    "cityscapes": Cityscapes,
    "coco-stuff": COCOStuff10K,
    "pascal-context": PascalContext,
}


def load_source(name, root, split="train", ignore_class=255, **options) -> Any:
    """Opens a data set by its name.

    Args:
        name: String, a key of `DATA_SETS`, or `"folder"`: masks named like the images
            in `root/images` and `root/masks`, or in `root/images/SPLIT` and
            `root/masks/SPLIT` where `root/images` has a folder of that name; or
            `"tfds:NAME"`, one that `keras_seg.data.TFDSSource` knows, such as
            `"tfds:scene_parse150"`.
        root: Folder of the data set. `None` is the default folder of
            tensorflow-datasets.
        split: String, `"train"`, `"val"`, or what else the data set has.
        ignore_class: Integer, the id of void.
        **options: Further arguments of `keras_seg.data.SegmentationFolder` for
            `"folder"`, such as `class_names`, and of `keras_seg.data.TFDSSource` for
            `"tfds:NAME"`, such as `label_key`.

    Returns:
        A source.

    Raises:
        ValueError: If there is no such data set, or it is not at `root`.

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
        options = {"ignore_class": ignore_class, "data_dir": root, **options}
        return TFDSSource(known, split, **options)
    if name != "folder":
        raise ValueError(
            f"There is no data set {name!r}. Expected one of "
            f"{', '.join([*DATA_SETS, 'folder', f'{TFDS}NAME'])}."
        )
    needed = ["images", "masks"]
    if os.path.isdir(os.path.join(root, "images", split)):
        needed = [f"{kind}/{split}" for kind in needed]
    root = find_root("The data set", root, [], needed)
    _require_split(root, needed, split)
    folders = [os.path.join(root, kind) for kind in needed]
    return SegmentationFolder(*folders, ignore_class=ignore_class, **options)


def _require_split(root, needed, split):
    """Raises where the folder of a split is missing and others are there."""
    if "/" in needed[0]:
        return
    with os.scandir(os.path.join(root, "images")) as entries:
        others = sorted(entry.name for entry in entries if entry.is_dir())
    known = [name for name in others if name in SPLIT_FOLDERS]
    if known:
        raise ValueError(
            f"The data set at root={root!r} has no split {split!r}: in 'images' there "
            f"are the folders {', '.join(others)}."
        )
