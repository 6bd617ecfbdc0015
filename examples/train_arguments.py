"""The arguments of `train.py`."""

import argparse

CAMVID_THIN_CLASSES = (2, 6, 7, 9, 10)


def train_arguments(description, models, arguments=None):
    """Arguments as a namespace; `None` takes those of the process."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument_group("data").add_argument
    add("--data", choices=["camvid", "folder"], default="camvid")
    add("--data-dir", help="CamVid: folder with images/ and labels/")
    add("--split", default="train", help="train, or train+val for the final model")
    add("--images", help="folder of the training images")
    add("--masks", help="folder of their masks, named like the images")
    add("--val-images", help="folder of the validation images")
    add("--val-masks", help="folder of their masks")
    add("--num-classes", type=int, help="void not counted")
    add("--class-names", nargs="+", metavar="NAME")
    add("--void-ids", type=int, nargs="+", default=(), help="ids that mean void")
    add("--no-test", action="store_true", help="leave the test split alone")

    add = parser.add_argument_group("model").add_argument
    add("--model", choices=models, default="ecenet")
    add(
        "--backbone",
        default="MobileNetV2",
        help="a network of keras.applications, or a preset of keras-hub",
    )
    add("--backbone-weights", help="weights file of the backbone, or imagenet")
    add("--initial-weights", help="weights file of an earlier run of the same model")
    add("--hidden-dim", type=int, default=64)
    add(
        "--source",
        choices=["bilinear", "pixels", "prototypes", "memory"],
        help="CPT: what finer levels are rebuilt from, memory by default",
    )
    add(
        "--output-stride",
        type=int,
        choices=[8, 16],
        help="dilate the backbone instead of going down to stride 32",
    )
    add(
        "--regions",
        type=int,
        metavar="K",
        help="latent regions to reason over: 64 by default for SGR, 0 leaves the "
        "reasoner out; none by default for other models",
    )
    add("--region-weight", type=float, default=1.0, help="of the region loss")
    add("--input-scale", type=float, default=1.5, help="images are enlarged by it")
    add(
        "--val-scales",
        type=float,
        nargs="+",
        metavar="SCALE",
        help="input scales to try on val after training; the best is kept",
    )

    add = parser.add_argument_group("augmentation").add_argument
    add("--crop-size", type=int, nargs=2, default=(192, 256), metavar=("H", "W"))
    add("--scale-range", type=float, nargs=2, default=(0.5, 2.0))
    add(
        "--focus-classes",
        type=int,
        nargs="*",
        metavar="ID",
        help="rare classes that crops are laid around; by default the thin ones of "
        "CamVid, none for other data",
    )
    add("--focus-probability", type=float, default=0.3)
    add(
        "--repeat-rare",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="repeat images with classes that fewer images than this share hold",
    )

    add = parser.add_argument_group("training").add_argument
    add("--batch-size", type=int, default=8)
    add("--epochs", type=int, default=26)
    add("--steps-per-epoch", type=int, default=100)
    add("--learning-rate", type=float, default=3e-4, help="of the backbone")
    add("--head-multiplier", type=float, default=4.0, help="of the learning rate")
    add("--weight-decay", type=float, default=0.02)
    add("--jaccard", type=float, default=1.0, help="weight of the Jaccard term")
    add("--ema", type=float, default=0.995, help="momentum of the averaged weights")
    add("--validate-every", type=int, default=2, help="epochs; 0 for never")
    add("--workers", type=int, default=2, help="threads that prepare batches")
    add("--seed", type=int, default=0)

    add = parser.add_argument_group("run").add_argument
    add("--output", required=True, help="folder of the run")
    add("--resume", action="store_true")
    add("--verbose", type=int, default=2, help="1 for a progress bar")
    args = parser.parse_args(arguments)

    if args.data == "camvid" and not args.data_dir:
        parser.error("--data camvid needs --data-dir")
    if args.data == "folder" and not (args.images and args.masks):
        parser.error("--data folder needs --images and --masks")
    if args.source and args.model != "cpt":
        parser.error("--source needs --model cpt")
    if args.output_stride and args.model != "sgr":
        parser.error("--output-stride needs --model sgr")
    if bool(args.val_images) != bool(args.val_masks):
        parser.error("--val-images and --val-masks go together")
    if args.focus_classes is None:
        args.focus_classes = CAMVID_THIN_CLASSES if args.data == "camvid" else ()
    return args
