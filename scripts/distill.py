r"""Trains a small model on photos that a teacher labelled.

    # a folder of masks that a teacher made
    python scripts/distill.py --images PHOTOS --masks MASKS --num-classes 31 \
        --val-images VAL_PHOTOS --val-masks VAL_MASKS --output runs/student

    # probabilities, an array (h, w, classes) in NAME.npy for each photo NAME.jpg
    python scripts/distill.py --images PHOTOS --scores SCORES --labels LABELS ...

    # a preset, or a function in a Python file, labels the photos first
    python scripts/distill.py --images PHOTOS --teacher ecenet/camvid \
        --labels LABELS ...
    python scripts/distill.py --images PHOTOS --teacher my_teacher.py:label ...

The masks of a teacher are void where it is less sure than `--threshold`, and stay in
the folder `--labels`, so that they are made once. Then a model is trained on them:
images with rare classes are shown more often, half of the crops are laid around a rare
class, and scale and colours vary widely. Arguments that are not listed here are those
of `examples/train.py`, for example `--epochs`, `--crop-size` or `--resume`.
"""

import argparse
import pathlib
import runpy

import keras
import numpy as np
from tqdm import tqdm

from keras_seg import data, models, training
from keras_seg.data.files.list_images import list_images

RECIPE = {
    "--data": "folder",
    "--repeat-rare": "0.1",
    "--focus-probability": "0.5",
    "--scale-range": "0.6 1.8",
    "--crop-size": "256 256",
    "--input-scale": "1.0",
}
RARE_PIXEL_SHARE = 0.02


def main(arguments=None):
    args, rest = parse_arguments(arguments)
    masks = args.masks or label(args)
    pairs = data.SegmentationFolder(
        args.images, masks, num_classes=args.num_classes, turn_masks=False
    )
    options = dict(RECIPE)
    rare = rare_classes(pairs)
    if rare:
        options["--focus-classes"] = " ".join(map(str, rare))
    given = [f"--images={args.images}", f"--masks={masks}"]
    given.append(f"--num-classes={args.num_classes}")
    for name, value in options.items():
        given += [name, *value.split()]
    training.train_from_arguments([*given, *rest])  # later arguments win


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--images", required=True, help="folder of photos")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--masks", help="folder of masks from a teacher")
    source.add_argument("--scores", help="folder of .npy probabilities (h, w, classes)")
    source.add_argument(
        "--teacher",
        help="a preset, or FILE.py:FUNCTION, a function from uint8 images (B, H, W, 3) "
        "to ids (B, h, w) or probabilities (B, h, w, classes)",
    )
    parser.add_argument("--labels", help="folder for the masks of --scores, --teacher")
    parser.add_argument("--num-classes", type=int, required=True)
    parser.add_argument("--threshold", type=float, default=0.7, help="(default: 0.7)")
    parser.add_argument(
        "--teacher-size",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="stretch photos to this size for the teacher; by default their own",
    )
    args, rest = parser.parse_known_args(arguments)
    if not args.masks and not args.labels:
        parser.error("--scores and --teacher need --labels, a folder for the masks")
    return args, rest


def label(args):
    """Makes the masks with the teacher and returns their folder."""
    images = [path for _, path in list_images(args.images)]
    if args.scores:
        label_from_scores(images, args)
        return args.labels
    problems = data.write_pseudo_labels(
        images,
        load_teacher(args.teacher),
        args.labels,
        args.threshold,
        args.teacher_size,
    )
    if problems:
        lines = "\n".join(f"  {reason}" for reason in problems.values())
        raise SystemExit(f"{len(problems)} photos have no label:\n{lines}")
    return args.labels


def label_from_scores(images, args):
    """Each photo has probabilities of its own, so they are labelled one at a time."""
    for path in tqdm(images, unit="image", disable=None):
        scores = pathlib.Path(args.scores) / f"{pathlib.Path(path).stem}.npy"
        if not scores.is_file():
            raise SystemExit(f"{path} has no scores: {scores} does not exist.")
        array = np.load(scores, allow_pickle=False)
        data.write_pseudo_labels(
            [path], lambda _, array=array: array[None], args.labels, args.threshold
        )


def load_teacher(name):
    """A function from images to ids or probabilities."""
    if ".py:" in name:
        path, _, function = name.rpartition(":")
        return runpy.run_path(path)[function]
    model = models.load_model(name)

    def teacher(images):
        logits = model.predict_on_batch(images)
        return keras.ops.convert_to_numpy(keras.ops.softmax(logits, axis=-1))

    return teacher


def rare_classes(source):
    """Classes with less than 2 % of the labelled pixels, but some."""
    counts = np.zeros(source.num_classes, "int64")
    for i in range(len(source)):
        mask = source[i][1]
        counts += np.bincount(
            mask[mask != source.ignore_class], minlength=source.num_classes
        )
    share = counts / max(1, counts.sum())
    return [int(k) for k in np.flatnonzero((share > 0) & (share < RARE_PIXEL_SHARE))]


if __name__ == "__main__":
    main()
