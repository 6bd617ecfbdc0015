# %% [markdown]
# # Segment photos and look at the result
#
# A shipped model labels each pixel of a photo. This notebook draws the labels, measures
# how much of a photo each class covers, leaves out what the model is unsure of, and
# cuts an object out of its background. It takes about a minute on a CPU.
#
# Install the package from a checkout: `pip install -e '.[tensorflow]'` in its folder,
# or `[jax]` or `[torch]`. In Colab, upload or clone the checkout, then run `%pip
# install -q './keras_seg[tensorflow]'` and `%cd keras_seg` first. The next cell chooses
# the backend.

# %%
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # or "jax", or "torch"

from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_seg

folders = [Path.cwd(), *Path.cwd().parents]  # the checkout holds the photos
PHOTOS = (
    next(f for f in folders if (f / "examples/photos").is_dir()) / "examples/photos"
)
print("keras_seg", keras_seg.__version__, "on", keras.config.backend())


# %%
def show(*pictures, titles=(), height=3.6):
    """Shows pictures side by side, all of one height."""
    ratios = [picture.shape[1] / picture.shape[0] for picture in pictures]
    figure, axes = plt.subplots(
        1,
        len(pictures),
        figsize=(height * sum(ratios), height),
        width_ratios=ratios,
        squeeze=False,
        layout="constrained",
    )
    for ax, picture in zip(axes[0], pictures, strict=True):
        ax.imshow(picture)
        ax.axis("off")
    for ax, title in zip(axes[0], titles, strict=False):
        ax.set_title(title, fontsize=10)
    plt.show()


# %% [markdown]
# ## One photo
#
# `from_preset` loads a shipped model without a network connection. The model is told
# apart by its class: `keras_seg.ECENet`, `keras_seg.CPT` and `keras_seg.SGR`.

# %%
model = keras_seg.ECENet.from_preset("ade20k")
photo = keras_seg.data.read_image(PHOTOS / "china.jpg")
labels = model.segment(photo)  # one class id for each pixel
print(photo.shape, "->", labels.shape, labels.dtype)

overlay = keras_seg.visualization.draw_overlay(
    photo, labels, model.class_names, model.palette
)
show(overlay, height=5)

# %% [markdown]
# The labels are a NumPy array, so shares, boxes and masks are one line each.

# %%
ids, counts = np.unique(labels, return_counts=True)
for i in np.argsort(-counts)[:5]:
    rows, columns = np.nonzero(labels == ids[i])
    name, share = model.class_names[ids[i]], counts[i] / labels.size
    box = [int(n) for n in (rows.min(), columns.min(), rows.max(), columns.max())]
    print(f"{name:10} {share:6.1%}  box {box}")

# %% [markdown]
# ## What the model is unsure of
#
# With a `threshold`, pixels whose most probable class has a lower probability become
# void, 255. The preset knows 39 classes, and a cup is not among them: without a
# threshold it gets labels of other things.

# %%
cup = keras_seg.data.read_image(PHOTOS / "coffee.jpg")
pictures = []
for threshold in (None, 0.5, 0.8):
    found = model.segment(cup, threshold=threshold)
    pictures.append(
        keras_seg.visualization.draw_overlay(
            cup, found, model.class_names, model.palette
        )
    )
show(*pictures, titles=["no threshold", "0.5", "0.8"], height=4)

# %% [markdown]
# ## Cut out an object
#
# The mask of a class is a comparison.

# %%
astronaut = keras_seg.data.read_image(PHOTOS / "astronaut.jpg")
found = model.segment(astronaut)
person = found == model.class_names.index("person")
cut_out = np.where(person[..., None], astronaut, 255).astype("uint8")
grey = astronaut.mean(axis=2, keepdims=True).repeat(3, axis=2).astype("uint8")
in_colour = np.where(person[..., None], astronaut, grey)
show(astronaut, cut_out, in_colour)

# %% [markdown]
# ## Several photos at once
#
# `predict_labels` takes a list of images of any sizes and shares batches and compiled
# programs between them.

# %%
names = ["grace_hopper", "raccoon", "flower", "rocket"]
photos = [keras_seg.data.read_image(PHOTOS / f"{name}.jpg") for name in names]
many = model.predict_labels(photos)
show(
    *(
        keras_seg.visualization.draw_overlay(
            photo, found, model.class_names, model.palette, legend=False
        )
        for photo, found in zip(photos, many, strict=True)
    ),
    titles=names,
    height=2.8,
)
for name, found in zip(names, many, strict=True):
    ids, counts = np.unique(found, return_counts=True)
    top = [model.class_names[i] for i in ids[np.argsort(-counts)][:3]]
    print(f"{name:13} {', '.join(top)}")

# %% [markdown]
# Flower and rocket are not among the 39 classes, so their labels are wrong, and a
# threshold does not find every such error. Continue with `fine_tune` to teach a model
# other classes, or with `look_inside` to see what it computes.
