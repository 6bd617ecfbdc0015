"""Calibrates the probabilities of a model on held-out images."""

import json
import pathlib

import keras
import numpy as np
from tqdm import tqdm

from keras_seg import data, metrics
from keras_seg.inference.inference_model import InferenceModel
from keras_seg.inference.shown_image import protocol_windows
from keras_seg.inference.test_protocol import TestProtocol
from keras_seg.models import load_model
from keras_seg.training.copy_with import copy_with
from keras_seg.training.id_options import id_options
from keras_seg.training.replace_file import replace_file
from keras_seg_runtime.labels.sliding_window import sliding_window

PIXELS_PER_IMAGE = 2000
TEMPERATURES = np.geomspace(0.25, 8, 101)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def calibrate_preset(preset, images, masks, output, void_ids=(), first_id=0) -> dict:
    """Calibrates a preset and saves the model with its temperature.

    Args:
        preset: String, name or folder of a preset.
        images: Folder of held-out images, which the model was not trained on.
        masks: Folder of their masks.
        output: Path of the folder of the new preset; one that is there is replaced. The
            report is beside it, in `OUTPUT.calibration.json`.
        void_ids: List of ids in the masks that mean void, besides that of the model.
        first_id: Integer. The id of the first class in the masks; 1 where 0 is void.

    Returns:
        Dictionary, see `calibrate`.

    Raises:
        ValueError, OSError: If the preset or a file cannot be used.

    Example:

    ```python
    from keras_seg.training import calibrate_preset

    try:
        calibrate_preset("no/preset", "images", "masks", "calibrated")
    except (ValueError, OSError) as error:
        print(type(error).__name__)
    ```
    """
    model = load_model(preset)
    source = data.SegmentationFolder(
        images,
        masks,
        num_classes=model.num_classes,
        ignore_class=model.ignore_class,
        **id_options(model.num_classes, void_ids, first_id),
    )
    report = calibrate(model, source)
    output = pathlib.Path(output)
    copy_with(model, temperature=report["temperature"]).save_to_preset(output)
    with replace_file(output.with_name(f"{output.name}.calibration.json")) as file:
        file.write_text(json.dumps(report, indent=2) + "\n")
    return report


def calibrate(model, source) -> dict:
    """Finds the temperature that the logits of a model should be divided by.

    It is the one that gives the labels of held-out images the highest likelihood, see
    [Guo et al., 2017](https://arxiv.org/abs/1706.04599). No predicted class changes.
    Images are shown to the model as `segment` does: downscaled to its `long_side`, and
    in tiles if they are large.

    Args:
        model: `keras_seg.models.Segmenter`.
        source: Source of held-out `(image, label)` pairs.

    Returns:
        Dictionary of `temperature`, `images`, `pixels`, `before`, with the temperature
        that the model has, and `after`, both with cross-entropy and calibration error,
        and `thresholds`: the shares of labelled and of void pixels that
        `segment(threshold=...)` keeps. Pixels of classes that the model has not learned
        (`model.classes_learned`) count as void.

    Raises:
        ValueError: If the labels are all void, or no temperature in 0.25..8 fits them.

    Example:

    ```python
    import types

    import numpy as np
    from keras_seg.training import calibrate

    class Pairs(list):
        num_classes, ignore_class = 2, 255

    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50, 3), "uint8")
    # The model is twice as sure as the labels allow.
    labels = rng.random((40, 50)) < 1 / (1 + np.exp(image[..., 0] / -100))
    model = types.SimpleNamespace(
        predict_on_batch=lambda x: x[..., :1] / 50 * np.array([0, 1]),
        num_classes=2,
        classes_learned=None,
        long_side=None,
        temperature=1.0,
    )
    report = calibrate(model, Pairs([(image, labels.astype("uint8"))]))
    print(report["temperature"])  # about 2
    ```
    """
    logits, labels, unsure = sample(model, source)
    if not len(labels):
        raise ValueError(
            "The labels are all void or of classes that the model has not learned, so "
            "that there is nothing to calibrate on. Give images with labelled pixels."
        )
    before = describe(logits, labels)
    factor = model.temperature  # back to the logits of the head
    logits, unsure = factor * logits, factor * unsure
    temperature = best_temperature(logits, labels)
    return {
        "temperature": temperature,
        "images": len(source),
        "pixels": len(labels),
        "before": before,
        "after": describe(logits / temperature, labels),
        "thresholds": table(logits / temperature, labels, unsure / temperature),
    }


def best_temperature(logits, labels):
    """The temperature of the lowest cross-entropy, within the range of the search."""
    losses = [cross_entropy(logits / t, labels) for t in TEMPERATURES]
    best = int(np.argmin(losses))
    if best in (0, len(TEMPERATURES) - 1):
        right = share(logits.argmax(axis=1) == labels)
        raise ValueError(
            "No temperature fits these labels: the best of "
            f"{TEMPERATURES[0]:g}..{TEMPERATURES[-1]:g} is {TEMPERATURES[best]:g}, at "
            f"the end of the range. The model is right in {right:.1%} of the pixels. "
            "If that is low, the ids of the masks are probably not those of its "
            "classes. If it is near 100 %, give images that it was not trained on, "
            "with masks that it did not make. If neither, train the model longer."
        )
    fine = TEMPERATURES[best] * np.geomspace(0.95, 1.05, 41)
    losses = [cross_entropy(logits / t, labels) for t in fine]
    return round(float(fine[int(np.argmin(losses))]), 3)


def sample(model, source):
    """Logits and labels of pixels spread evenly, and logits of void pixels."""
    learned = model.classes_learned or range(model.num_classes)
    rng = np.random.default_rng(0)
    logits, labels, unsure = [], [], []
    if model.long_side:
        source = data.ResizedSource(source, model.long_side)
    for images, truth in tqdm(data.evaluation_dataset(source), disable=None):
        width = truth.shape[2]
        truth = np.reshape(truth, -1)
        chosen = rng.choice(
            len(truth), min(PIXELS_PER_IMAGE, len(truth)), replace=False
        )
        truth = truth[chosen]
        is_void = (truth == source.ignore_class) | ~np.isin(truth, learned)
        scores = logits_at(model, images[0], *np.divmod(chosen, width))
        logits.append(scores[~is_void])
        labels.append(truth[~is_void])
        unsure.append(scores[is_void])
    return [np.concatenate(parts) for parts in (logits, labels, unsure)]


def logits_at(model, image, rows, columns):
    """Logits `(N, K)` of pixels in `N` rows and columns, from tiles as of `segment`."""
    model = InferenceModel.of(model)
    windows = protocol_windows(model, TestProtocol("auto"), image.shape[:2])
    logits = np.empty((len(rows), model.num_classes), "float32")
    for top, left, block in sliding_window(model, image, *windows):
        height, width = block.shape[:2]
        y, x = rows - top, columns - left
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        logits[inside] = block[y[inside], x[inside]]
        del block
    return logits


def cross_entropy(logits, labels):
    highest = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0]
    return float(np.mean(total - logits[np.arange(len(labels)), labels]))


def describe(logits, labels):
    error = metrics.CalibrationError()
    error.update_state(labels[None, None], logits[None, None])
    return {
        "cross_entropy": round(cross_entropy(logits, labels), 4),
        "calibration_error": round(float(error.result()), 4),
    }


def table(logits, labels, unsure):
    """The shares of labelled and of void pixels that each threshold keeps."""
    confidence, right = confidence_of(logits), logits.argmax(axis=1) == labels
    rows = []
    for threshold in THRESHOLDS:
        kept = confidence >= threshold
        rows.append(
            {
                "threshold": threshold,
                "kept": share(kept),
                "right_of_kept": share(right[kept]),
                "kept_of_void": share(confidence_of(unsure) >= threshold),
            }
        )
    return rows


def share(choices):
    return round(float(np.mean(choices)), 3) if len(choices) else None


def confidence_of(logits):
    if not len(logits):
        return np.zeros(0)
    probability = keras.ops.softmax(logits, axis=-1)
    return keras.ops.convert_to_numpy(probability).max(axis=1)
