"""Calibrates the probabilities of a model on held-out images.

    python scripts/calibrate.py PRESET --images IMAGES --masks MASKS --output RESULT

Finds the temperature that the logits are divided by: the one that gives the labels of
the held-out images the highest likelihood. No predicted class changes. Saves the model
with it, and prints the calibration error before and after, and the share of pixels that
`segment(threshold=)` would keep.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
from tqdm import tqdm

from keras_seg import data, metrics, models
from keras_seg.training import copy_with

PIXELS_PER_IMAGE = 2000
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("preset", help="name or folder of a preset")
    parser.add_argument("--images", required=True, help="folder of held-out images")
    parser.add_argument("--masks", required=True, help="folder of their masks")
    parser.add_argument("--output", required=True, help="folder of the new preset")
    args = parser.parse_args(arguments)

    model = models.load_model(args.preset)
    source = data.SegmentationFolder(
        args.images, args.masks, num_classes=model.num_classes
    )
    report = calibrate(model, source)
    print(json.dumps(report, indent=2))
    calibrated = copy_with(model, temperature=report["temperature"])
    calibrated.save_to_preset(args.output)
    path = pathlib.Path(args.output).with_suffix(".calibration.json")
    path.write_text(json.dumps(report, indent=2) + "\n")


def calibrate(model, source):
    """The temperature for a model, and measures before and after."""
    logits, labels, unsure = sample(model, source)
    logits *= model.temperature  # back to those of the head
    factors = np.geomspace(0.25, 8, 101)
    losses = [cross_entropy(logits / t, labels) for t in factors]
    coarse = factors[int(np.argmin(losses))]
    fine = coarse * np.geomspace(0.95, 1.05, 41)
    losses = [cross_entropy(logits / t, labels) for t in fine]
    temperature = round(float(fine[int(np.argmin(losses))]), 3)
    return {
        "temperature": temperature,
        "images": len(source),
        "pixels": len(labels),
        "before": describe(logits, labels),
        "after": describe(logits / temperature, labels),
        "thresholds": table(logits / temperature, labels, unsure / temperature),
    }


def sample(model, source):
    """Logits and labels of pixels spread evenly, and logits of void pixels."""
    rng = np.random.default_rng(0)
    logits, labels, unsure = [], [], []
    for images, truth in tqdm(data.evaluation_dataset(source), disable=None):
        scores = model.predict_on_batch(images).reshape(-1, model.num_classes)
        truth = np.reshape(truth, -1)
        chosen = rng.choice(
            len(truth), min(PIXELS_PER_IMAGE, len(truth)), replace=False
        )
        is_void = truth[chosen] == source.ignore_class
        logits.append(scores[chosen[~is_void]])
        labels.append(truth[chosen[~is_void]])
        unsure.append(scores[chosen[is_void]])
    return [np.concatenate(parts) for parts in (logits, labels, unsure)]


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


if __name__ == "__main__":
    main()
