# %% [markdown]
# # Fine-tune a model on a small folder
#
# The folder has 32 pictures of a field, of three classes: soil, crop and weed. The
# pictures are drawn by the next cells, so that the notebook needs no download and all
# masks are exact; point `images` and `masks` at folders of your own instead. Crops have
# round leaves, weeds narrow ones, in the same shades of green: colour alone does not
# tell them apart. Training takes one to three minutes on a CPU.
#
# Install the package from a checkout: `pip install -e '.[tensorflow]'` in its folder,
# or `[jax]` or `[torch]`. In Colab, upload or clone the checkout, then run `%pip
# install -q './keras_seg[tensorflow]'` and `%cd keras_seg` first. The next cell chooses
# the backend.

# %%
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # or "jax", or "torch"

import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import keras_seg
from keras_seg import data

keras.utils.set_random_seed(0)
FOLDER = Path(tempfile.mkdtemp())
NAMES = ["soil", "crop", "weed"]
PALETTE = [[150, 110, 70], [60, 190, 90], [230, 80, 60]]
print("keras_seg", keras_seg.__version__, "on", keras.config.backend())


# %% [markdown]
# ## A folder of images and masks
#
# An image and its mask have the same name. A mask is a PNG of class ids, here 0, 1 and
# 2; 255 is void.


# %%
def leaf(x, y, angle, length, width):
    """The outline of a leaf that starts at a point."""
    t = np.linspace(0, np.pi, 12)
    along, across = length * (1 - np.cos(t)) / 2, width * np.sin(t)
    along, across = np.r_[along, along[::-1]], np.r_[across, -across[::-1]]
    c, s = np.cos(angle), np.sin(angle)
    points = np.c_[x + c * along - s * across, y + s * along + c * across]
    return [tuple(point) for point in points]


def draw_field(rng, height=192, width=256):
    """A picture of a field and its mask of class ids."""
    soil = np.full((height, width, 3), (112, 86, 62), "float64")
    for size, strength in ((24, 12), (6, 9), (1, 8)):  # lumps of several sizes
        shape = (height // size + 2, width // size + 2)
        lumps = Image.fromarray(rng.normal(0, strength, shape).astype("float32"))
        soil += np.asarray(lumps.resize((width, height)))[..., None]
    picture = Image.fromarray(soil.clip(0, 255).astype("uint8"))
    mask = Image.new("L", (width, height), 0)
    pen, marker = ImageDraw.Draw(picture), ImageDraw.Draw(mask)

    def plant(x, y, leaves, length, width, class_id):
        green = np.array([70, 128, 52]) + rng.normal(0, 14, 3)
        start = rng.uniform(0, 2 * np.pi)
        for i in range(leaves):
            angle = start + 2 * np.pi * i / leaves + rng.normal(0, 0.15)
            outline = leaf(x, y, angle, length * rng.uniform(0.75, 1.2), width)
            shade = tuple((green + rng.normal(0, 12)).clip(0, 255).astype(int).tolist())
            pen.polygon(outline, fill=shade)
            marker.polygon(outline, fill=class_id)

    for row in range(3):  # crops stand in rows, weeds anywhere
        for column in range(5):
            x = width * (column + 0.5) / 5 + rng.normal(0, 6)
            y = height * (row + 0.5) / 3 + rng.normal(0, 5)
            if rng.random() < 0.85:
                plant(x, y, 6, rng.uniform(16, 23), rng.uniform(6, 8), 1)
    for _ in range(rng.integers(8, 16)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        plant(x, y, int(rng.integers(6, 10)), rng.uniform(11, 20), 1.8, 2)
    light = np.linspace(*rng.uniform(0.75, 1.2, 2), width)[None, :, None]
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.7)), "float64")
    return (blurred * light).clip(0, 255).astype("uint8"), np.asarray(mask)


images, masks = FOLDER / "images", FOLDER / "masks"
images.mkdir()
masks.mkdir()
for i in range(32):
    picture, mask = draw_field(np.random.default_rng(i))
    Image.fromarray(picture).save(images / f"field_{i:02}.png")
    Image.fromarray(mask).save(masks / f"field_{i:02}.png")

# %% [markdown]
# `SegmentationFolder` pairs the files, and `check_dataset` reports what is wrong with
# them: sizes, unknown ids, classes that are missing.

# %%
source = data.SegmentationFolder(images, masks, class_names=NAMES, palette=PALETTE)
report = data.check_dataset(source)


# %%
def show(columns, titles):
    """Shows a column of an image and its label maps for each entry."""
    rows = len(titles)
    figure, axes = plt.subplots(
        rows, len(columns), figsize=(3.2 * len(columns), 2.45 * rows), squeeze=False
    )
    for j, maps in enumerate(columns):
        for i, array in enumerate(maps):
            picture = np.asarray(PALETTE, "uint8")[array] if array.ndim == 2 else array
            axes[i, j].imshow(picture)
            axes[i, j].set(xticks=[], yticks=[])
    for i, title in enumerate(titles):
        axes[i, 0].set_ylabel(title)
    figure.tight_layout()
    plt.show()


show([source[i] for i in range(4)], ["picture", "mask"])

# %% [markdown]
# ## Train
#
# One picture in four is kept for validation. The model starts from the shipped preset
# `ecenet/ade20k`: its backbone and head are trained already, and only the layers that
# depend on the classes are new.


# %%
def part(pairs):
    return data.SegmentationFolder(
        *zip(*pairs, strict=True), class_names=NAMES, palette=PALETTE
    )


train_source = part([pair for i, pair in enumerate(source.pairs) if i % 4])
val_source = part(source.pairs[::4])

model = keras_seg.models.load_model(
    "ecenet/ade20k", num_classes=3, class_names=NAMES, palette=PALETTE, compile=False
)
model.compile(keras.optimizers.AdamW(5e-4, clipnorm=1.0))

crops = data.TrainAugmentation((128, 160), scale_range=(0.8, 1.4))
batches = data.training_dataset(
    train_source, batch_size=4, augmentation=crops, steps_per_epoch=20
)
history = model.fit(
    batches,
    validation_data=data.evaluation_dataset(val_source),
    epochs=6,
    verbose=2,
)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
epochs = range(1, len(history.history["loss"]) + 1)
left.plot(epochs, history.history["loss"], marker="o")
left.set(title="loss of training", xlabel="epoch", ylim=(0, None))
for key, name in (("mean_iou", "training crops"), ("val_mean_iou", "validation")):
    right.plot(epochs, history.history[key], marker="o", label=name)
right.set(title="mean IoU", xlabel="epoch", ylim=(0, 1))
right.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## Look at the result
#
# `evaluate` counts all pixels of the validation pictures in one confusion matrix.

# %%
scores = keras_seg.inference.evaluate(model, val_source)
for name, iou in scores["class_iou"].items():
    print(f"{name:5} IoU {iou:.3f}")
print(f"mean  IoU {scores['mean_iou']:.3f}")

# %%
examples = [val_source[i] for i in range(4)]
show(
    [(picture, mask, model.segment(picture)) for picture, mask in examples],
    ["picture", "mask", "prediction"],
)

# %% [markdown]
# ## Keep the model
#
# `save_to_preset` writes a folder that `from_preset`, the command `keras-seg predict`
# and any backend can load.

# %%
model.save_to_preset(FOLDER / "field")
again = keras_seg.ECENet.from_preset(FOLDER / "field")
picture = examples[0][0]
print("same labels:", (again.segment(picture) == model.segment(picture)).all())
print(sorted(path.name for path in (FOLDER / "field").iterdir()))

# %% [markdown]
# `keras-seg train --images images --masks masks --class-names soil crop weed --output
# run` does all of this from the command line, chooses the settings for the data, can be
# interrupted and resumed, and writes a report.
