# %% [markdown]
# # Look inside: class embeddings, prototypes, regions
#
# Each of the three methods computes a representation of the classes that can be looked
# at: ECENet an embedding of each class from its predicted mask, CPT a prototype of each
# class of the whole data set, SGR tokens of latent regions. The models are shipped
# ones, the photo is in the checkout. The notebook takes about a minute on a CPU.
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
from keras import ops

import keras_seg

folders = [Path.cwd(), *Path.cwd().parents]  # the checkout holds the photos
PHOTOS = (
    next(f for f in folders if (f / "examples/photos").is_dir()) / "examples/photos"
)
photo = keras_seg.data.read_image(PHOTOS / "china.jpg")
print("keras_seg", keras_seg.__version__, "on", keras.config.backend())


# %%
def show(picture, width=7):
    plt.figure(figsize=(width, width * picture.shape[0] / picture.shape[1]))
    plt.imshow(picture)
    plt.axis("off")
    plt.tight_layout(pad=0)
    plt.show()


def head_outputs(model, image):
    """The features of the backbone and all that the head computes from them."""
    x = ops.convert_to_tensor(image[None])
    x = model.resize_to_multiple(model.preprocessor(x))
    features = model.pyramid(x, training=False)
    return features, model.head(features, training=False, return_details=True)


# %% [markdown]
# ## ECENet: from masks to class embeddings
#
# On the coarsest level of the pyramid the head predicts a mask for each class, and
# extracts an embedding from the mask. On each finer level the pixels attend to the
# embeddings: the scores are the masks of that level, and the embeddings extracted from
# them update the previous ones. Red is inside the class, blue outside.

# %% tags=["ecenet_masks"]
model = keras_seg.ECENet.from_preset("ade20k")
labels = model.segment(photo)
small = photo[::2, ::2]  # about the size that `segment` shows to this model
features, outputs = head_outputs(model, small)
learned = list(model.classes_learned)  # the head has a channel for each of these
ids, counts = np.unique(labels, return_counts=True)
largest = ids[np.argsort(-counts)][:4].tolist()

figure, axes = plt.subplots(4, 4, figsize=(10, 7))
for row, class_id in zip(axes, largest, strict=True):
    row[0].imshow(photo)
    row[0].set_ylabel(model.class_names[class_id])
    channel = learned.index(class_id)
    for ax, level in zip(row[1:], (3, 2, 1), strict=True):
        mask = ops.convert_to_numpy(outputs["masks"][level])[0, ..., channel]
        ax.imshow(mask, "RdBu_r", vmin=-10, vmax=10)
for ax, title in zip(
    axes[0], ["photo", "mask, stride 32", "stride 16", "stride 8"], strict=True
):
    ax.set_title(title, fontsize=10)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
figure.tight_layout()
plt.show()

# %% [markdown]
# The mask of stride 32 says where a class is. That of stride 16 corrects it, mostly at
# borders. Stride 8 adds little: in this preset its values are negative nearly
# everywhere.
#
# The embeddings after the last update, for the classes found in the photo: the cosine
# says how similar the model represents two classes *in this photo*. An embedding comes
# from the mask of its class, so classes without a distinct mask have nearly the same
# one.

# %% tags=["ecenet_embeddings"]
embeddings = ops.convert_to_numpy(outputs["gated"][0])[0]  # (classes, channels)
found = [i for i in ids.tolist() if (labels == i).mean() > 0.005]
picture = keras_seg.visualization.draw_similarity(
    [model.class_names[i] for i in found],
    embeddings[[learned.index(i) for i in found]],
)
show(picture, width=5)

# %% [markdown]
# ## CPT: prototypes of a data set
#
# CPT keeps a memory of one prototype per class, a mean over all training images.
# `prototypes` returns it. This preset was trained on streets: pedestrians and
# bicyclists are nearly the same to it.

# %%
model = keras_seg.CPT.from_preset("camvid")
names, vectors = model.prototypes()
print(len(names), "prototypes of", vectors.shape[1], "numbers")
show(keras_seg.visualization.draw_similarity(names, vectors), width=6)

# %% [markdown]
# In each update, a prototype of the *photo* is made as a weighted mean of coarse
# features, where its class is (first row). It is mixed with the memory, and each
# position of the finer level attends to the prototypes (second row) and is rebuilt from
# them. The scores of the attention are negated: a position attends most to the
# prototypes that it resembles least, here the pagoda to the one of the sky.

# %% tags=["cpt_attention"]
features, outputs = head_outputs(model, photo)
head, level = model.head, len(model.head.updates) - 1  # the coarsest update
update = head.updates[level]
fine = head.laterals[level](features[level])
coarse = head.laterals[level + 1](features[level + 1])
sources = ops.convert_to_numpy(update(fine, coarse)["mask_logits"])[0]
tokens = update.memory(outputs["prototypes"][level])
update.attention.return_masks = True  # the scores are not kept otherwise
_, scores = update.attention(fine, tokens)
update.attention.return_masks = False
attention = ops.convert_to_numpy(ops.softmax(-scores, axis=-1))[0]

shown = ["Sky", "Building", "Tree", "Road"]
figure, axes = plt.subplots(2, 5, figsize=(12, 4))
for ax, title in ((axes[0, 0], "taken from"), (axes[1, 0], "attended by")):
    ax.imshow(photo)
    ax.set_ylabel(title)
for column, name in zip(axes.T[1:], shown, strict=True):
    k = names.index(name)
    column[0].imshow(sources[..., k], "RdBu_r", vmin=-12, vmax=12)
    column[1].imshow(attention[..., k], "magma", vmin=0, vmax=0.6)
    column[0].set_title(name, fontsize=10)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
figure.tight_layout()
plt.show()

# %% [markdown]
# ## SGR: latent regions
#
# SGR divides a photo softly into regions, makes a token of each, lets the tokens
# exchange information, and gives it back to the pixels. The regions were never named:
# the legend takes the most frequent predicted class of each. The model knows 11 classes
# of streets, so the pagoda is a building and the lake belongs to the sky.

# %%
model = keras_seg.SGR.from_preset("camvid")
regions = model.regions(photo, hard=True)  # the main region of each pixel
picture = keras_seg.visualization.draw_regions(
    photo, regions, model.segment(photo), model.class_names
)
show(picture)

# %% tags=["sgr_membership"]
membership = model.regions(photo)  # (height, width, regions), sums to 1
largest = np.argsort(-membership.mean(axis=(0, 1)))[:8]
figure, axes = plt.subplots(2, 4, figsize=(12, 4.9))
for ax, k in zip(axes.flat, largest, strict=True):
    ax.imshow(membership[..., k], cmap="magma", vmin=0, vmax=1)
    ax.set_title(f"region {k}: {membership[..., k].mean():.1%}", fontsize=10)
    ax.set(xticks=[], yticks=[])
figure.tight_layout()
plt.show()
