"""A program that uses the public names passes `mypy --strict`."""

import os
import subprocess
import sys

import pytest
from project_paths import ROOT

pytestmark = pytest.mark.no_backend

# Keras and keras-hub have no types; all that comes from them is `Any`.
CONFIG = """\
[mypy]
strict = True
follow_imports = silent

[mypy-keras.*]
ignore_missing_imports = True
"""
PROGRAM = """\
import keras
import numpy as np

import keras_seg
from keras_seg import data, layers, losses, metrics, training

source = data.SegmentationFolder("images", "masks", class_names=["soil", "crop"])
model = keras_seg.ECENet.from_preset("camvid", num_classes=2)
model.compile(keras.optimizers.AdamW(1e-3), metrics=[metrics.MeanIoU(2)])
batches = data.training_dataset(source, batch_size=2)
model.fit(batches, validation_data=data.evaluation_dataset(source), epochs=1)
labels = model.segment("photo.jpg", threshold=0.5)
print({model.class_names[i]: float((labels == i).mean()) for i in range(2)})
tokens = layers.GroupedDense(4, groups=2)(np.zeros((1, 3, 8), "float32"))
loss = losses.SegmentationLoss(ignore_class=255)
print(tokens.shape, loss, keras_seg.inference.evaluate(model, source)["mean_iou"])
model.save_to_preset("field")
training.train(model, source, "run", epochs=1)
"""
MISTAKES = """\
import keras_seg

model = keras_seg.ECENet.from_preset("camvid")
text: str = model.segment("photo.jpg")
keras_seg.layers.NoSuchLayer()
"""


def test_a_program_passes_and_mistakes_are_found(tmp_path):
    files = {"mypy.ini": CONFIG, "program.py": PROGRAM, "mistakes.py": MISTAKES}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "program.py", "mistakes.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "mistakes.py:4: error: Incompatible types in assignment" in done.stdout
    assert "mistakes.py:5: error: Module has no attribute" in done.stdout
    assert "Found 2 errors in 1 file (checked 2" in done.stdout, done.stdout
