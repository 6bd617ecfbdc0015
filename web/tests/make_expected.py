"""What Keras gives for two photos, for the tests in the browser.

    python web/tests/make_expected.py OUTPUT MODEL.onnx

Writes for each photo NAME.png, the photo without losses; NAME_keras.png, the labels of
the model in Keras; NAME_keras_half.png, those of Keras with a threshold of 0.5; and
NAME_file.png, the labels of the exported file MODEL.onnx in keras_seg_runtime. It also
exports the model in single precision.
"""

import sys
from pathlib import Path

from PIL import Image

import keras_seg
import keras_seg_runtime

ROOT = Path(__file__).parents[2]
PHOTOS = ("china", "astronaut")
THRESHOLD = 0.5


def main(folder, exported):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = keras_seg.ECENet.from_preset(str(ROOT / "weights" / "ecenet_ade20k"))
    file = keras_seg_runtime.load(exported, threads=1)
    for name in PHOTOS:
        photo = ROOT / "examples" / "photos" / f"{name}.jpg"
        image = keras_seg_runtime.as_rgb(photo)
        Image.fromarray(image).save(folder / f"{name}.png")
        (folder / f"{name}.jpg").write_bytes(photo.read_bytes())
        pictures = {
            "keras": model.segment(image),
            "keras_half": model.segment(image, threshold=THRESHOLD),
            "file": file.segment(image),
        }
        for kind, labels in pictures.items():
            picture = keras_seg_runtime.label_png(labels, model.palette)
            picture.save(folder / f"{name}_{kind}.png")
    path = folder / "single" / Path(exported).name
    model.export_to(path, head_logits=True, overwrite=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
