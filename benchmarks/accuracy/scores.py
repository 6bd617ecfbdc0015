"""All scores of a model on a data set, from one pass over its images."""

import numpy as np

from keras_seg.inference import TestProtocol
from keras_seg.inference.inference_model import InferenceModel
from keras_seg.inference.mean_probabilities import mean_probabilities
from keras_seg.metrics import BoundaryIoU, CalibrationError
from keras_seg.training.report import Details


def scores_on(model, source, limit=None):
    """Evaluates whole images, single scale, no flip, at the size of the labels.

    Args:
        model: `keras_seg.models.Segmenter`.
        source: Source of `(image, label)` pairs.
        limit: Integer or `None`, the number of images.

    Returns:
        Dictionary of `images`, `mean_iou`, `pixel_accuracy`, `boundary_iou`,
        `calibration_error`, `class_iou`, `class_boundary_iou` and `image_iou`; shares,
        `None` for a class that does not occur.
    """
    classes, void = model.num_classes, model.ignore_class
    details = Details(classes)
    boundary = BoundaryIoU(classes, void)
    calibration = CalibrationError(ignore_class=void, from_logits=False)
    protocol = TestProtocol()
    count = min(len(source), limit or len(source))
    shown = InferenceModel.of(model)
    for index in range(count):
        image, truth = source[index]
        probabilities = mean_probabilities(shown, image, protocol)
        labels = probabilities.argmax(axis=-1)
        details.add(index, truth, labels)
        boundary.update_state(truth, labels)
        calibration.update_state(truth[None], probabilities[None])
    counts = details.confusion
    hits = np.diagonal(counts)
    union = counts.sum(axis=1) + counts[:, :classes].sum(axis=0) - hits
    iou = np.where(union > 0, hits / np.maximum(union, 1), np.nan)
    names = source.class_names
    return {
        "images": count,
        "mean_iou": float(np.nanmean(iou)),
        "pixel_accuracy": float(hits.sum() / max(1, counts.sum())),
        "boundary_iou": boundary.result(),
        "calibration_error": float(calibration.result()),
        "class_iou": _by_name(names, iou),
        "class_boundary_iou": _by_name(names, boundary.class_iou()),
        "image_iou": [round(score, 4) for score in details.scores],
    }


def _by_name(names, values):
    numbers = (None if np.isnan(x) else round(float(x), 5) for x in values)
    return dict(zip(names, numbers, strict=True))
