"""Writes golden_logits.npz beside the weights of each shipped preset.

    KERAS_BACKEND=tensorflow python tests/support/make_golden_logits.py [PRESET ...]

Only needed after a change that is meant to change the numbers, or for a new preset.
"""

import sys

import numpy as np
from PIL import Image
from project_paths import EXAMPLES

from keras_seg import models, presets
from keras_seg.presets.shipped import shipped_folder, shipped_presets

NAME = "golden_logits.npz"
STEP = 4  # every fourth pixel is stored


def golden_image():
    """A part of a photo with sky, trees, a building and water, at 64 x 64."""
    with Image.open(EXAMPLES / "photos" / "china.jpg") as photo:
        square = photo.convert("RGB").crop((100, 27, 500, 427))
        return np.asarray(square.resize((64, 64), Image.Resampling.BOX))


def logits_of(model, image):
    """float32 `(16, 16, K)`, of the classes that the model knows."""
    logits = model.predict_on_batch(image[None])[0, ::STEP, ::STEP]
    if model.classes_learned is not None:
        logits = logits[..., model.classes_learned]
    return np.asarray(logits, "float32")


def golden_path(name):
    return shipped_folder(shipped_presets()[name]) / NAME


def main(names):
    image = golden_image()
    for name in names or presets.list_presets():
        logits = logits_of(models.load_model(name), image)
        np.savez_compressed(golden_path(name), image=image, logits=logits)
        print(f"{name}: {logits.shape}, {golden_path(name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
