"""The arguments of a training run."""

import argparse
import shlex

from keras_seg.data.sources.load_source import DATA_SETS, TFDS

MODELS = ("cpt", "ecenet", "sgr")
CAMVID_THIN_CLASSES = (2, 6, 7, 9, 10)
# The arguments that make a network, which a preset replaces.
NETWORK = (
    "model",
    "architecture",
    "drop_path",
    "backbone",
    "backbone_weights",
    "initial_weights",
    "hidden_dim",
    "source",
    "memory_momentum",
    "initial_memory",
    "pyramid_levels",
    "output_stride",
    "regions",
)
# Those of them that an architecture replaces.
BODY = ("backbone", "backbone_weights", "hidden_dim", "pyramid_levels", "output_stride")


class RecipeParser(argparse.ArgumentParser):
    """Reads the arguments in a file, which may have comments, for `@FILE`."""

    def __init__(self, **kwargs):
        super().__init__(fromfile_prefix_chars="@", **kwargs)

    def convert_arg_line_to_args(self, line):
        return shlex.split(line, comments=True)


def name_of_data(text):
    """Checks the name of a data set."""
    if text in (*DATA_SETS, "folder") or text.startswith(TFDS):
        return text
    raise argparse.ArgumentTypeError(
        f"there is no {text!r}; choose from {', '.join(DATA_SETS)}, folder, {TFDS}NAME"
    )


def train_arguments(arguments=None):
    """Parses the arguments of a run.

    Args:
        arguments: List of strings; `None` takes those of the process. `@FILE` stands
            for the arguments in a file.

    Returns:
        `argparse.Namespace`.

    Raises:
        SystemExit: If the arguments do not fit together.

    Example:

    ```python
    from keras_seg.training.train_arguments import train_arguments

    args = train_arguments("--data camvid --data-dir CAMVID --output run".split())
    print(args.model, args.epochs)  # ecenet 26
    ```
    """
    parser = RecipeParser(
        description="Trains a segmentation model and reports its quality.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument_group("data").add_argument
    add(
        "--data",
        type=name_of_data,
        default="camvid",
        metavar="DATA",
        help=f"{', '.join(DATA_SETS)}, folder, or {TFDS}NAME of tensorflow-datasets, "
        f"such as {TFDS}scene_parse150",
    )
    add("--data-dir", help="where that lies; see the readers in keras_seg.data")
    add("--split", default="train", help="train, or train+val for the final model")
    add("--images", help="folder of the training images")
    add("--masks", help="folder of their masks, named like the images")
    add("--val-images", help="folder of the validation images")
    add("--val-masks", help="folder of their masks")
    add(
        "--max-images",
        type=int,
        metavar="N",
        help="train on so many images, drawn with the seed; by default on all",
    )
    add("--num-classes", type=int, help="void not counted")
    add("--class-names", nargs="+", metavar="NAME")
    add("--void-ids", type=int, nargs="+", default=(), help="ids that mean void")
    add("--no-test", action="store_true", help="leave the test split alone")

    add = parser.add_argument_group("model").add_argument
    add("--model", choices=MODELS, default="ecenet")
    add(
        "--backbone",
        default="MobileNetV2",
        help="a network of keras.applications, or a preset of keras-hub",
    )
    add(
        "--architecture",
        metavar="PRESET",
        help="network and test protocol of a preset of --model, in place of a "
        "backbone; none of its weights but those of a pretrained backbone",
    )
    add("--drop-path", type=float, metavar="RATE", help="of the last block")
    add(
        "--backbone-weights",
        metavar="WEIGHTS",
        help="imagenet, a weights file, or the folder of a preset to take them from",
    )
    add("--initial-weights", help="weights file of an earlier run of the same model")
    add("--hidden-dim", type=int, default=64)
    add(
        "--source",
        choices=["bilinear", "pixels", "prototypes", "memory"],
        help="CPT: what finer levels are rebuilt from, memory by default",
    )
    add(
        "--memory-momentum",
        type=float,
        nargs="+",
        metavar="T",
        help="CPT: one number, 0.1 by default, or two that it falls from and to over "
        "the run, such as 0.1 0.009",
    )
    add("--initial-memory", help="CPT: .npy file of an array (classes, hidden-dim)")
    add(
        "--pyramid-levels",
        nargs="+",
        metavar="P",
        help="levels of the backbone to use, such as P5, stride 32, alone",
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
    add(
        "--preset",
        help="name or folder of a trained model to begin with, in place of all that "
        "stands above in this group; its classifier is new",
    )
    add("--freeze", action="store_true", help="train that classifier alone")
    add("--region-weight", type=float, help="of the region loss, 1 by default")
    add(
        "--input-scale",
        type=float,
        help="images are enlarged by it; 1.5 by default, with --preset as it says",
    )
    add(
        "--val-scales",
        type=float,
        nargs="+",
        metavar="SCALE",
        help="input scales to try on val after training; the best is kept",
    )
    add(
        "--final-scale",
        type=float,
        metavar="SCALE",
        help="input scale that the trained model is measured and saved with, if not "
        "that of the training; may be given when a finished run is resumed",
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
    add(
        "--accumulate",
        type=int,
        default=1,
        metavar="N",
        help="batches whose gradients make one step",
    )
    add(
        "--precision",
        choices=["float32", "mixed_bfloat16", "mixed_float16"],
        default="float32",
    )
    add("--optimizer", choices=["adamw", "sgd"], default="adamw")
    add("--schedule", choices=["cosine", "poly"], default="cosine")
    add(
        "--warmup-steps",
        type=int,
        metavar="N",
        help="a tenth, at most 100, if not given",
    )
    add("--learning-rate", type=float, default=3e-4, help="of the backbone")
    add("--head-multiplier", type=float, default=4.0, help="of the learning rate")
    add(
        "--layer-decay",
        type=float,
        metavar="RATE",
        help="multiply the learning rate by it from each block of the backbone to the "
        "one before, starting with the last",
    )
    add("--weight-decay", type=float, default=0.02)
    add("--clip-norm", type=float, default=5.0, help="of all gradients; 0 for none")
    add("--jaccard", type=float, default=1.0, help="weight of the Jaccard term")
    add(
        "--ema",
        type=float,
        default=0.995,
        help="momentum of the averaged weights; 0: none",
    )
    add("--validate-every", type=int, default=2, help="epochs; 0 for never")
    add("--workers", type=int, default=2, help="threads that prepare batches")
    add("--seed", type=int, default=0)

    add = parser.add_argument_group("run").add_argument
    add("--output", required=True, help="folder of the run")
    add("--resume", action="store_true")
    add("--verbose", type=int, default=2, help="1 for a progress bar")
    args = parser.parse_args(arguments)

    if args.data in DATA_SETS and not args.data_dir:
        parser.error(f"--data {args.data} needs --data-dir")
    if args.data == "folder" and not (args.images and args.masks):
        parser.error("--data folder needs --images and --masks")
    if args.source and args.model != "cpt":
        parser.error("--source needs --model cpt")
    if (args.memory_momentum or args.initial_memory) and args.model != "cpt":
        parser.error("--memory-momentum and --initial-memory need --model cpt")
    if args.memory_momentum and len(args.memory_momentum) > 2:
        parser.error("--memory-momentum takes one number or two")
    if args.optimizer == "sgd" and args.head_multiplier != 1:
        parser.error("--optimizer sgd has one rate: give --head-multiplier 1")
    if args.optimizer == "sgd" and args.layer_decay is not None:
        parser.error("--optimizer sgd has one rate: leave out --layer-decay")
    if args.layer_decay is not None and not 0 < args.layer_decay <= 1:
        parser.error("--layer-decay must be above 0 and at most 1")
    if args.accumulate < 1:
        parser.error("--accumulate must be at least 1")
    if args.output_stride and args.model != "sgr":
        parser.error("--output-stride needs --model sgr")
    if args.freeze and not args.preset:
        parser.error("--freeze needs --preset")
    for given, brought in (("preset", NETWORK), ("architecture", BODY)):
        for name in brought if getattr(args, given) else ():
            if getattr(args, name) != parser.get_default(name):
                flag = f"--{name.replace('_', '-')}"
                parser.error(f"--{given} brings its own network: leave out {flag}")
            setattr(args, name, None)
    if args.input_scale is None and not (args.preset or args.architecture):
        args.input_scale = 1.5
    if args.val_scales and args.final_scale:
        parser.error("--val-scales chooses the scale: leave out --final-scale")
    if bool(args.val_images) != bool(args.val_masks):
        parser.error("--val-images and --val-masks go together")
    if args.focus_classes is None:
        args.focus_classes = CAMVID_THIN_CLASSES if args.data == "camvid" else ()
    return args
