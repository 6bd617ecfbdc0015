"""Evaluation of a model on a data set with a test protocol."""

import dataclasses
import math

import numpy as np
from tqdm import tqdm

from keras_seg.data.sources.class_arguments import check_distinct
from keras_seg.inference.segment_by_protocol import segment_by_protocol
from keras_seg.inference.test_protocol import TestProtocol
from keras_seg.metrics.mean_iou import MeanIoU

# Maximum number of pixels that are counted in one step.
MAX_COUNTED_PIXELS = 4_000_000


def evaluate(
    model, source, protocol=None, limit=None, progress=False, on_image=None
) -> dict:
    """Computes mean IoU, accuracies and the values of each class over a data set.

    Label maps are predicted one image at a time and compared at the size of the labels.
    All values are computed from one confusion matrix of the whole data set. A class
    that occurs in neither truth nor prediction has no IoU, and a class that does not
    occur in the truth has no accuracy; the means exclude them.

    Args:
        model: See `keras_seg.inference.segment`.
        source: Sequence of `(image, label)`, such as `keras_seg.data.CamVid`, with the
            `ignore_class` of the model.
        protocol: `keras_seg.inference.TestProtocol`; by default that of the model's
            preset, or else that of `segment`.
        limit: Integer or `None`. Number of images to evaluate, from the first on.
        progress: Boolean, string or `None`. Whether to show a progress bar; a string is
            its title. `None` shows one only on a terminal.
        on_image: Function or `None`. Called for each image with its index, the truth
            and the prediction, two integer arrays `(H, W)`.

    Returns:
        Dictionary of `images`, `mean_iou`, `pixel_accuracy` (aAcc),
        `mean_class_accuracy` (mAcc), `class_iou` and `class_accuracy` (dictionaries
        from names to values or `None`), and `protocol`.

    Raises:
        ValueError: If the model and the source differ in the number of classes or in
            the void label, if two classes have the same name, or if there are no
            labelled pixels.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.inference import evaluate

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    model.num_classes, model.ignore_class = 4, 255
    source = [(np.zeros((40, 50, 3), "uint8"), np.zeros((40, 50), "uint8"))]
    print(evaluate(model, source)["mean_iou"])
    ```
    """
    if protocol is None:
        protocol = TestProtocol.of_model(model)
    _check_classes(model, source)
    names = list(getattr(source, "class_names", None) or model_names(model))
    check_distinct(names)
    count = len(source) if limit is None else min(limit, len(source))
    if count < 1:
        raise ValueError(
            f"There is nothing to evaluate: the source has {len(source)} images and "
            f"limit={limit}."
        )
    metric = MeanIoU(model.num_classes, model.ignore_class)
    title = progress if isinstance(progress, str) else None
    hidden = None if progress is None else not progress
    for index in tqdm(range(count), desc=title, unit="image", disable=hidden):
        image, truth = source[index]
        labels = segment_by_protocol(model, image, protocol)
        if np.shape(truth) != labels.shape:
            raise ValueError(
                f"Image {index} has {labels.shape[0]} x {labels.shape[1]} pixels and "
                f"its label map has the shape {np.shape(truth)}. They must have the "
                "same size."
            )
        step = max(1, MAX_COUNTED_PIXELS // labels.shape[1])
        for top in range(0, len(labels), step):
            part = slice(top, top + step)
            metric.update_state(truth[part][None], labels[part][None])
        if on_image is not None:
            on_image(index, np.asarray(truth), labels)
    if not metric.confusion_matrix().any():
        raise ValueError(
            f"There is nothing to evaluate: all pixels of the {count} label maps are "
            f"void ({model.ignore_class}). Check the ids of the masks, or give other "
            "images."
        )
    iou, accuracy = metric.class_iou(), metric.class_accuracy()
    return {
        "images": count,
        "mean_iou": _mean(iou),
        "pixel_accuracy": metric.pixel_accuracy(),
        "mean_class_accuracy": _mean(accuracy),
        "class_iou": dict(zip(names, _numbers(iou), strict=True)),
        "class_accuracy": dict(zip(names, _numbers(accuracy), strict=True)),
        "protocol": dataclasses.asdict(protocol),
    }


def model_names(model):
    """The names of a model's classes, or names from their ids if it has none."""
    names = getattr(model, "class_names", None)
    return names or [f"class {class_id}" for class_id in range(model.num_classes)]


def _check_classes(model, source):
    classes = getattr(source, "num_classes", model.num_classes)
    if classes != model.num_classes:
        raise ValueError(
            f"The model has {model.num_classes} classes and the data {classes}. Choose "
            "a preset for this data set, or read the data with the model's classes."
        )
    void = getattr(source, "ignore_class", model.ignore_class)
    if void != model.ignore_class:
        raise ValueError(
            f"Void is {model.ignore_class} in the model and {void} in the data. Open "
            f"the data with ignore_class={model.ignore_class}."
        )


def _mean(values):
    return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0


def _numbers(values):
    return [None if math.isnan(value) else float(value) for value in values]
