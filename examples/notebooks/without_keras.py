# %% [markdown]
# # Export a model and use it without Keras
#
# The model becomes an ONNX file, which is compared with the model before it gets its
# name. Then a process that imports neither Keras nor a backend segments a photo with
# it. The notebook takes about two minutes on a CPU, nearly all of it for the
# conversion.
#
# Install the package from a checkout: `pip install -e '.[export,tensorflow]'` in its
# folder; `[export,jax]` and `[export,torch]` work as well. In Colab, upload or clone
# the checkout, then run `%pip install -q './keras_seg[export,tensorflow]'` and `%cd
# keras_seg` first. The next cell chooses the backend.

# %%
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # or "jax", or "torch"

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_seg

folders = [Path.cwd(), *Path.cwd().parents]  # the checkout holds the photos
ROOT = next(f for f in folders if (f / "examples/photos").is_dir())
PHOTO = ROOT / "examples/photos/china.jpg"
FOLDER = Path(tempfile.mkdtemp())
print("keras_seg", keras_seg.__version__, "on", keras.config.backend())

# %% [markdown]
# ## Export
#
# The weights are the same on all backends, so the file is always converted on
# TensorFlow, in a process of its own. It takes images of any size.

# %%
model = keras_seg.ECENet.from_preset("ade20k")
path = model.export_to(FOLDER / "photos.onnx")
print(path.name, f"{path.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# The description beside the file has classes, colours, licence, and the result of the
# comparison: the share of labels that differ from those of the model, and the largest
# difference of the logits.

# %%
description = json.loads((FOLDER / "photos.json").read_text())
for key, value in description.items():
    text = json.dumps(value)
    print(f"{key:16} {text if len(text) < 70 else text[:66] + ' ...'}")

# %% [markdown]
# ## Use
#
# `keras_seg_runtime` needs NumPy, Pillow and the runtime of the file. The program below
# is started in a process of its own, and says what it imported.

# %%
PROGRAM = """
import sys, time
start = time.perf_counter()
import numpy, keras_seg_runtime

path, photo, output = sys.argv[1:]
model = keras_seg_runtime.load(path)
image = keras_seg_runtime.as_rgb(photo)
labels = model.segment(image)
print(f"{time.perf_counter() - start:.1f} s from the first import to the labels")
for name in ("keras", "tensorflow", "jax", "torch"):
    print(f"{name} imported: {name in sys.modules}")
numpy.save(output, labels)
"""
print(
    subprocess.run(
        [sys.executable, "-c", PROGRAM, path, PHOTO, FOLDER / "labels.npy"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ).stdout
)

# %% [markdown]
# Its labels are those of the model:

# %%
photo = keras_seg.data.read_image(PHOTO)
ours, theirs = model.segment(photo), np.load(FOLDER / "labels.npy")
print(f"{(ours == theirs).mean():.3%} of the pixels have the same label")

pictures = [
    keras_seg.visualization.draw_overlay(photo, x, model.class_names, model.palette)
    for x in (ours, theirs)
]
figure, axes = plt.subplots(1, 2, figsize=(12, 5))
titles = [f"Keras on {keras.config.backend()}", "ONNX Runtime, without Keras"]
for ax, picture, title in zip(axes, pictures, titles, strict=True):
    ax.imshow(picture)
    ax.set_title(title)
    ax.axis("off")
figure.tight_layout()
plt.show()

# %% [markdown]
# LiteRT, OpenVINO and SavedModel are written the same way: `photos.tflite`,
# `photos.xml`, `photos`. `keras-seg predict PHOTO --model photos.onnx` uses such a file
# from the command line.
