"""The data and the settings that all entries of one comparison share."""

import argparse
import pathlib

from keras_seg import data

SCENE_CLASSES = 39
# Of keras-seg train: the settings of the shipped weights.
THIN_CLASSES = {"camvid": [2, 6, 7, 9, 10]}
SMALL_SEED = 0
# The names of the 39 classes of the scenes, which are those of ADE20K.
SCENES = (
    "wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, "
    "sidewalk, person, earth, door, table, mountain, plant, curtain, chair, car, "
    "water, painting, sofa, shelf, house, sea, mirror, rug, field, armchair, airplane, "
    "animal, bicycle, boat, bottle, bus, minibike, television receiver"
)
FREE = ("data_dir", "backbone_weights", "workers")


def add_recipe(parser):
    """Adds the options of the recipe. Each is the same for all entries."""
    add = parser.add_argument_group("recipe").add_argument
    add("--data", choices=["camvid", "scenes"], default="camvid")
    add(
        "--data-dir",
        required=True,
        metavar="DIR",
        help="folder of CamVid, or of the scenes with images/ and the labels",
    )
    add("--labels", default="labels39", help="scenes: folder of the label maps")
    add("--num-classes", type=int, default=SCENE_CLASSES, help="scenes: classes")
    add("--share", type=float, default=1.0, help="share of the training images")
    add(
        "--train-split",
        choices=["train+val"],
        help="CamVid: train on val as well, without validation; test is measured",
    )
    add("--backbone", default="MobileNetV2")
    add("--backbone-weights", metavar="WEIGHTS", help="as of keras-seg train")
    add("--hidden-dim", type=int, default=64)
    add("--input-scale", type=float, default=1.0)
    add("--final-scale", type=float, metavar="S", help="input scale to measure with")
    add(
        "--pyramid-levels",
        nargs="+",
        metavar="P",
        help="P5 for features of stride 32 alone",
    )
    add("--output-stride", type=int, choices=[8, 16], default=16, help="of SGR")
    add("--epochs", type=int, default=26)
    add("--steps-per-epoch", type=int, default=100)
    add("--batch-size", type=int, default=8)
    add("--crop-size", type=int, nargs=2, default=[192, 256], metavar=("H", "W"))
    add("--learning-rate", type=float, default=3e-4)
    add("--ema", type=float, default=0.995)
    add(
        "--validate-every",
        type=int,
        metavar="N",
        help="epochs; the best are then kept. By default only the last is validated "
        "and measured",
    )
    add("--workers", type=int, default=2)


def recipe_of(options):
    """The recipe as a dictionary that JSON can hold."""
    parser = argparse.ArgumentParser()
    add_recipe(parser)
    names = vars(parser.parse_args(["--data-dir", ""]))
    return {name: getattr(options, name) for name in names}


def kept_in_file(recipe):
    """What must be equal for all runs of a comparison; paths may move."""
    kept = {key: value for key, value in recipe.items() if key not in FREE}
    weights = recipe["backbone_weights"]
    return {**kept, "backbone_weights": weights and pathlib.Path(weights).name}


def open_sources(recipe):
    """The source of the training, and that of val or, with `train_split`, `None`."""
    if recipe["train_split"]:
        return open_split(recipe, recipe["train_split"]), None
    sources = [open_split(recipe, split) for split in ("train", "val")]
    if recipe["share"] < 1:
        count = max(1, round(recipe["share"] * len(sources[0])))
        sources[0] = data.SubsetSource(sources[0], count, SMALL_SEED)
    return sources


def open_split(recipe, split):
    """The source of one split."""
    root = recipe["data_dir"]
    if recipe["data"] == "camvid":
        return data.CamVid(root, split)
    return data.SegmentationFolder(
        f"{root}/images/{split}",
        f"{root}/{recipe['labels']}/{split}",
        num_classes=recipe["num_classes"],
        class_names=scene_names(recipe["num_classes"]),
    )


def scene_names(count):
    """The names of the classes of the scenes, as far as they are known."""
    known = SCENES.split(", ")
    return [known[i] if i < len(known) else f"class {i}" for i in range(count)]


def at_final_scale(model, recipe):
    """The model as it is measured: a copy if the recipe has a scale for use."""
    from keras_seg.training.copy_with import copy_with

    scale = recipe["final_scale"]
    return copy_with(model, input_scale=scale) if scale else model


def training_settings(recipe, seed):
    """The settings of `keras_seg.training.train`."""
    names = "epochs steps_per_epoch batch_size learning_rate ema validate_every workers"
    settings = {name: recipe[name] for name in names.split()}
    settings["validate_every"] = recipe["validate_every"] or recipe["epochs"]
    if recipe["train_split"]:
        settings |= {"validate_every": 0, "val_share": 0.0}
    return {
        **settings,
        "crop_size": list(recipe["crop_size"]),
        "focus_classes": THIN_CLASSES.get(recipe["data"], []),
        "patience": 0,
        "seed": seed,
    }
