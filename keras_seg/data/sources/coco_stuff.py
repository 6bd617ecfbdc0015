"""COCO-Stuff-10K, things and stuff in 10,000 photos of COCO."""

import os

from keras_seg.data.files.find_root import (
    find_root,
    read_list,
    require_files,
    split_parts,
)
from keras_seg.data.files.read_mat_mask import read_mat_mask
from keras_seg.data.palette import default_palette
from keras_seg.data.sources.segmentation_folder import SegmentationFolder

FOLDERS = {"train": "train2014", "test": "test2014", "val": "test2014"}
ENDING = "_labelTrainIds.png"

# The 171 classes of COCO-Stuff, 80 things and 91 kinds of stuff, in their usual order.
#
# Names and ids: https://github.com/nightrome/cocostuff. Colours: ours, all different.
COCO_STUFF_NAMES = (
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic "
    "light, fire hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, "
    "sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag, tie, "
    "suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball "
    "glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, "
    "knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, "
    "pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, "
    "laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, "
    "refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush, "
    "banner, blanket, branch, bridge, building-other, bush, cabinet, cage, cardboard, "
    "carpet, ceiling-other, ceiling-tile, cloth, clothes, clouds, counter, cupboard, "
    "curtain, desk-stuff, dirt, door-stuff, fence, floor-marble, floor-other, "
    "floor-stone, floor-tile, floor-wood, flower, fog, food-other, fruit, "
    "furniture-other, grass, gravel, ground-other, hill, house, leaves, light, mat, "
    "metal, mirror-stuff, moss, mountain, mud, napkin, net, paper, pavement, pillow, "
    "plant-other, plastic, platform, playingfield, railing, railroad, river, road, "
    "rock, roof, rug, salad, sand, sea, shelf, sky-other, skyscraper, snow, "
    "solid-other, stairs, stone, straw, structural-other, table, tent, textile-other, "
    "towel, tree, vegetable, wall-brick, wall-concrete, wall-other, wall-panel, "
    "wall-stone, wall-tile, wall-wood, water-other, waterdrops, window-blind, "
    "window-other, wood"
).split(", ")

COCO_STUFF_COLOURS = {
    name: tuple(colour)
    for name, colour in zip(
        COCO_STUFF_NAMES,
        default_palette(len(COCO_STUFF_NAMES)).tolist(),
        strict=True,
    )
}

# Ids of the published labels, 0 (unlabelled) to 182, that stand for no class.
COCO_STUFF_UNUSED_IDS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)


class COCOStuff10K(SegmentationFolder):
    """The 171 classes of COCO-Stuff in its version of 9,000 and 1,000 images.

    Two layouts are understood. As published: `images/*.jpg`, `annotations/*.mat` with
    ids from 0, unlabelled, to 182, and `imageLists/SPLIT.txt`; these need SciPy. As
    converted by the usual tools: `images/train2014`, `images/test2014` and
    `annotations` likewise, with masks `*_labelTrainIds.png` of ids from 0, unlabelled,
    to 171. Unlabelled pixels are void.

    Args:
        root: Folder of `images` and `annotations`, or one that holds it as
            `coco_stuff10k`.
        split: `"train"`, `"test"` or both joined by `+`. `"val"` stands for `"test"`,
            which papers report on.
        ignore_class: Integer, the id of void. Defaults to 255.

    Raises:
        ValueError: If a split is unknown or its files are not there.
        ModuleNotFoundError: If masks are `.mat` files and SciPy is not installed.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import COCOStuff10K

    with tempfile.TemporaryDirectory() as root:
        for kind, mode, end in (
            ("images", "RGB", ".jpg"),
            ("annotations", "L", "_labelTrainIds.png"),
        ):
            folder = os.path.join(root, kind, "test2014")
            os.makedirs(folder)
            path = os.path.join(folder, f"COCO_train2014_000000000077{end}")
            Image.new(mode, (8, 6), 171).save(path)
        image, label = COCOStuff10K(root, "test")[0]
    print(np.unique(label))  # [170], wood
    ```
    """

    def __init__(self, root, split="train", ignore_class=255) -> None:
        root = find_root(
            "COCO-Stuff-10K", root, ["coco_stuff10k"], ["images", "annotations"]
        )
        parts = list(dict.fromkeys(FOLDERS[p] for p in split_parts(split, FOLDERS)))
        converted = os.path.isdir(os.path.join(root, "annotations", parts[0]))
        images, masks = [], []
        for part in parts:
            pairs = _converted(root, part) if converted else _published(root, part)
            images += [image for image, _ in pairs]
            masks += [mask for _, mask in pairs]
        require_files("COCO-Stuff-10K", images)
        require_files("COCO-Stuff-10K", masks)
        used, unused = range(1, len(COCO_STUFF_COLOURS) + 1), ()
        if not converted:
            unused = COCO_STUFF_UNUSED_IDS
            used = [i for i in range(1, 183) if i not in unused]
        super().__init__(
            images,
            masks,
            class_names=list(COCO_STUFF_COLOURS),
            void_ids=(0, *unused),
            id_map={old: new for new, old in enumerate(used)},
            palette=list(COCO_STUFF_COLOURS.values()),
            ignore_class=ignore_class,
        )

    def read_ids(self, mask_path):
        if mask_path.endswith(".mat"):
            return read_mat_mask(mask_path, "S")
        return super().read_ids(mask_path)


def _converted(root, part):
    needed = [f"images/{part}", f"annotations/{part}"]
    find_root("COCO-Stuff-10K", root, [], needed)
    folders = [os.path.join(root, name) for name in needed]
    stems = [
        os.path.splitext(name)[0]
        for name in sorted(os.listdir(folders[0]))
        if name.endswith(".jpg") and not name.startswith(".")
    ]
    return [
        (os.path.join(folders[0], f"{s}.jpg"), os.path.join(folders[1], s + ENDING))
        for s in stems
    ]


def _published(root, part):
    names = f"imageLists/{part.removesuffix('2014')}.txt"
    find_root("COCO-Stuff-10K", root, [], [names])
    return [
        (
            os.path.join(root, "images", f"{name}.jpg"),
            os.path.join(root, "annotations", f"{name}.mat"),
        )
        for name in read_list(os.path.join(root, names))
    ]
