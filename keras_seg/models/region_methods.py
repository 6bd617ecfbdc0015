import functools

import keras

from keras_seg.data.batches.map_labels import map_labels
from keras_seg.data.component_labels import pack_components
from keras_seg.inference.regions import region_ids, region_maps
from keras_seg.layers.resize_to_match import ResizeToMatch
from keras_seg.losses.region_disjointness_loss import region_disjointness_loss
from keras_seg.losses.region_loss import region_loss
from keras_seg.losses.token_diversity_loss import token_diversity_loss
from keras_seg.losses.unpack_components import unpack_components

REGION_LOSSES = ("region_loss", "disjointness_loss", "token_loss")
REGION_WEIGHTS = {"region": 1.0, "disjointness": 0.1, "token": 0.1}


class RegionMethods:
    """What a `Segmenter` can do whose head has a `LatentRegionReasoner`.

    Without a reasoner nothing changes. With one, `fit` and `train_on_batch` find the
    connected components of the labels while batches are made, and put them into the
    same integers as the classes (see `keras_seg.data.pack_components`): so every source
    of data keeps its kind and its one target, and no step of the graph has to label
    components. Validation and `evaluate` need none.

    A model calls `_init_regions` at the end of its constructor.
    """

    def _init_regions(self, auxiliary_weights, max_components, min_component_area):
        self.max_components = max_components
        self.min_component_area = min_component_area
        self.auxiliary_weights = dict(auxiliary_weights or {})
        if self.has_regions:
            self.auxiliary_weights = {**REGION_WEIGHTS, **self.auxiliary_weights}
            images = keras.Input(self.input_shape[1:], name="images")
            regions = self._forward(images, training=False)["regions"]
            enlarge = ResizeToMatch(dtype="float32", name="enlarge_regions")
            self.region_maps = keras.Model(
                images, enlarge(regions, images), name="region_maps"
            )

    @property
    def has_regions(self):
        """Whether the head reasons over latent regions."""
        return self.head.reasoner is not None

    @property
    def _needs_components(self):
        return self.has_regions and self.auxiliary_weights["region"] > 0

    def _add_components(self):
        return functools.partial(
            pack_components,
            ignore_class=self.ignore_class,
            max_components=self.max_components,
            min_area=self.min_component_area,
        )

    def fit(self, x=None, y=None, *args, **kwargs):
        if self._needs_components:
            x, y = map_labels(x, y, self._add_components())
        return super().fit(x, y, *args, **kwargs)

    def train_on_batch(self, x, y=None, *args, **kwargs):
        if self._needs_components and y is not None:
            y = self._add_components()(keras.ops.convert_to_numpy(y))
        return super().train_on_batch(x, y, *args, **kwargs)

    def region_losses(self, outputs):
        """The losses of the regions, as `auxiliary_losses` returns them."""
        weights, regions = self.auxiliary_weights, outputs["regions"]
        loss = 0.0
        if self._needs_components:
            loss = region_loss(outputs["components"], regions, self.max_components)
        return {
            "region_loss": (weights["region"], loss),
            "disjointness_loss": (
                weights["disjointness"],
                region_disjointness_loss(regions),
            ),
            "token_loss": (weights["token"], token_diversity_loss(outputs["tokens"])),
        }

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        if self.has_regions and y is not None:
            y, components = unpack_components(y)
            if isinstance(y_pred, dict):
                y_pred = {**y_pred, "components": components}
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if self.has_regions and y is not None:
            y, _ = unpack_components(y)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def regions(self, image, hard=False):
        """The latent regions of one image.

        Args:
            image: See `keras_seg.inference.segment`.
            hard: Boolean. Whether to return for each pixel the region that it belongs
                to most, which takes little memory for large images as well.

        Returns:
            float32 array `(H, W, K)`, how much each pixel belongs to each region, or
            integer array `(H, W)`.

        Raises:
            ValueError: If the model has no reasoner.
        """
        return region_ids(self, image) if hard else region_maps(self, image)

    def _region_config(self):
        return {
            "max_components": self.max_components,
            "min_component_area": self.min_component_area,
        }
