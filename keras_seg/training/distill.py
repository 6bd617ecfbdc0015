"""Trains a small model on photos that a teacher labelled."""

import os
import pathlib
import runpy

import numpy as np
from tqdm import tqdm

from keras_seg import data
from keras_seg.data.files.list_images import list_images
from keras_seg.data.pseudo_labels import mask_path
from keras_seg.inference.inference_model import InferenceModel
from keras_seg.inference.mean_probabilities import mean_probabilities
from keras_seg.inference.test_protocol import TestProtocol
from keras_seg.models import load_model
from keras_seg.training.id_options import id_options
from keras_seg.training.label_record import check_record
from keras_seg.training.run_error import RunError
from keras_seg.training.train import train_from_settings
from keras_seg_runtime.labels.longest_side import resize_longest_side

# Rare classes are shown more often, and scale and colours vary widely.
RECIPE = {
    "data": "folder",
    "repeat_rare": 0.1,
    "focus_probability": 0.5,
    "scale_range": [0.6, 1.8],
    "crop_size": [256, 256],
    "input_scale": 1.0,
}
RARE_PIXEL_SHARE = 0.02
ID_SETTINGS = ("void_ids", "first_id")


def distill(
    images,
    masks=None,
    scores=None,
    teacher=None,
    labels=None,
    threshold=0.7,
    teacher_size=None,
    resume=False,
    **settings,
) -> dict:
    """Labels photos with a teacher and trains a model on them.

    One of `masks`, `scores` and `teacher` is given. The masks of a teacher are void
    where its probability is below `threshold`. They stay in the folder `labels`, so
    that they are made once, with the paths that photos have in theirs. The file
    `made_with.json` there says how they were made. Images with rare classes are
    repeated, and half of the crops are placed around a rare class.

    Args:
        images: Folder of photos.
        masks: Folder of masks that a teacher made.
        scores: Folder with an array of probabilities `(h, w, classes)` in `NAME.npy`
            for each photo `NAME.jpg`, in folders like those of the photos.
        teacher: String. A preset, which sees photos as `segment` shows them, or
            `"FILE.py:FUNCTION"`, a function from uint8 images `(B, H, W, 3)` to ids
            `(B, h, w)` or probabilities `(B, h, w, classes)`.
        labels: Folder for the masks of `scores` or `teacher`.
        threshold: Float in 0..1.
        teacher_size: Pair `(height, width)` that photos are stretched to for the
            teacher. By default their own size, or the `long_side` of a preset.
        resume: Boolean. Whether to continue the run in the folder.
        **settings: See `keras_seg.training.train_from_settings`; `num_classes` or
            `class_names` is needed.

    Returns:
        Dictionary, the content of `results.json` of the run.

    Raises:
        RunError: If arguments are missing, photos cannot be labelled, or the masks in
            `labels` were made with another teacher, threshold or size.

    Example:

    ```python
    from keras_seg.training import RunError, distill

    try:
        distill("photos", teacher="ecenet/camvid", output="run")
    except RunError as error:
        print(error)  # `labels` is missing ...
    ```
    """
    if sum(x is not None for x in (masks, scores, teacher)) != 1:
        raise RunError("Give one of masks, scores and teacher.")
    if masks is None and not labels:
        raise RunError(
            "`labels` is missing: a folder for the masks that the teacher makes. The "
            "option is --labels DIR."
        )
    classes = settings.get("num_classes") or len(settings.get("class_names") or ())
    if masks is None:
        masks = labels
        made_with = {
            "teacher": teacher,
            "scores": None if scores is None else os.fspath(scores),
            "threshold": threshold,
            "teacher_size": teacher_size,
        }
        check_record(labels, made_with)
        paths = [path for _, path in list_images(images, without=[labels])]
        kept = sum(os.path.exists(mask_path(p, labels, images)) for p in paths)
        if kept:
            print(f"{kept} of {len(paths)} photos have their mask in {labels} already.")
        if scores is not None:
            label_from_scores(paths, scores, labels, threshold, images)
        else:
            label_with_teacher(paths, teacher, labels, threshold, teacher_size, images)
    ids = {key: settings[key] for key in ID_SETTINGS if settings.get(key)}
    pairs = data.SegmentationFolder(
        images,
        masks,
        num_classes=classes or None,
        turn_masks=False,
        **id_options(classes, **ids),
    )
    given = {**RECIPE, "images": str(images), "masks": str(masks)}
    rare = rare_classes(pairs)
    if rare:
        given["focus_classes"] = rare
    return train_from_settings({**given, **settings}, resume)


def label_with_teacher(paths, teacher, labels, threshold, size, root):
    """Writes a mask for each photo."""
    refuse(
        data.write_pseudo_labels(
            paths, load_teacher(teacher, size), labels, threshold, size, root=root
        )
    )


def refuse(problems):
    """Raises if there are photos without a label."""
    if problems:
        lines = "\n".join(f"  {reason}" for reason in problems.values())
        raise RunError(f"{len(problems)} photos have no label:\n{lines}")


def label_from_scores(paths, folder, labels, threshold, root):
    """Each photo has probabilities of its own, so they are labelled one at a time."""
    problems = {}
    for path in tqdm(paths, unit="image", disable=None):
        scores = pathlib.Path(mask_path(path, folder, root)).with_suffix(".npy")
        if not scores.is_file():
            raise RunError(f"{path} has no scores: {scores} does not exist.")
        array = np.load(scores, allow_pickle=False)
        problems |= data.write_pseudo_labels(
            [path], lambda _, array=array: array[None], labels, threshold, root=root
        )
    refuse(problems)


def load_teacher(name, size=None):
    """A function from images to ids or probabilities.

    Args:
        name: See `distill`.
        size: Size that images are stretched to. With `None` a preset sees them at the
            size that `segment` shows.
    """
    if ".py:" in name:
        path, _, function = name.rpartition(":")
        return runpy.run_path(path)[function]
    model = InferenceModel.of(load_model(name))
    long_side = None if size else model.long_side

    def teacher(images):
        images = [resize_longest_side(image, long_side) for image in images]
        tiles = TestProtocol("auto")
        return np.stack([mean_probabilities(model, x, tiles) for x in images])

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
