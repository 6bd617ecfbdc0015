"""Adds reasoning over latent regions to any Keras model, in three lines.

    python examples/reasoner_in_your_model.py

The layer maps a feature map to one of the same size. The losses of its regions are
functions of the layer's outputs.
"""

import keras
import numpy as np
from keras import layers

import keras_seg

NUM_CLASSES = 3

# An existing model,
images = keras.Input((None, None, 3))
x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(images)
x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
# with the reasoner added:
reasoner = keras_seg.layers.LatentRegionReasoner(hidden_dim=32, num_regions=12)
x, regions, tokens = reasoner(x, return_regions=True)
outputs = {"logits": layers.Conv2D(NUM_CLASSES, 1)(x), "regions": regions}
model = keras.Model(images, outputs)


def region_loss(components, regions):
    return keras_seg.losses.region_loss(components, regions, max_components=16)


model.compile(
    "adam",
    loss={
        "logits": keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=255
        ),
        "regions": region_loss,
    },
)

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    labels = rng.integers(0, NUM_CLASSES, (4, 2, 2)).repeat(8, 1).repeat(8, 2)
    photos = np.stack([labels * 80] * 3, axis=-1).repeat(4, 1).repeat(4, 2)
    components = np.stack([keras_seg.data.connected_components(x) for x in labels])
    targets = {"logits": labels, "regions": components}
    model.fit(photos.astype("float32"), targets, epochs=3, verbose=2)
