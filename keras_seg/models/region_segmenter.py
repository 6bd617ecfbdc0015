import functools

import keras
import numpy as np

from keras_seg.data.component_labels import pack_components
from keras_seg.inference.regions import region_ids, region_maps
from keras_seg.layers.resizing import ResizeToMatch
from keras_seg.layers.scatter_classes import check_class_ids
from keras_seg.losses.mask_losses import dice_mask_loss, focal_mask_loss
from keras_seg.losses.region_disjointness_loss import region_disjointness_loss
from keras_seg.losses.region_loss import region_loss
from keras_seg.losses.token_diversity_loss import token_diversity_loss
from keras_seg.losses.unpack_components import unpack_components
from keras_seg.models.segmenter import Segmenter

REGION_LOSSES = ("region_loss", "disjointness_loss", "token_loss")
REGION_WEIGHTS = {"region": 1.0, "disjointness": 0.1, "token": 0.1}


class RegionSegmenter(Segmenter):
    """Base class of the methods: a head with mask losses, a region reasoner, or both.

    Without a `LatentRegionReasoner` in the head there are no region losses. With one,
    `fit` and `train_on_batch` compute the connected components of the labels where
    batches are made, and pack them into the same integers as the classes (see
    `keras_seg.data.pack_components`). So every dataset keeps its single target, and
    components are not computed inside the training step. Validation and `evaluate` do
    not need them.

    A subclass sets `head_class`, `head_arguments` and `default_auxiliary_weights`.

    Args:
        backbone, head, num_classes: See `keras_seg.models.Segmenter`.
        auxiliary_weights: Dictionary or `None`. Weights of auxiliary losses, in place
            of the defaults of the method. `sample_weight` does not apply to these
            losses.
        max_components, min_component_area: See `keras_seg.SGR`.
        **kwargs: See `keras_seg.models.Segmenter`.
    """

    head_class = None
    # Arguments of the head that are arguments of the model as well.
    head_arguments = ()
    default_auxiliary_weights = {}
    # Names of the method's own auxiliary losses; those of regions are added.
    method_losses = ()

    def __init__(
        self,
        backbone,
        head,
        num_classes,
        auxiliary_weights=None,
        max_components=32,
        min_component_area=64,
        **kwargs,
    ) -> None:
        super().__init__(backbone, head, num_classes, **kwargs)
        self.max_components = max_components
        self.min_component_area = min_component_area
        self.auxiliary_weights = {
            **(REGION_WEIGHTS if self.has_regions else {}),
            **self.default_auxiliary_weights,
            **(auxiliary_weights or {}),
        }
        if self.has_regions:
            images = keras.Input(self.input_shape[1:], name="images")
            regions = self.compute_outputs(images, training=False)["regions"]
            enlarge = ResizeToMatch(dtype="float32", name="enlarge_regions")
            self.region_maps = keras.Model(
                images, enlarge(regions, images), name="region_maps"
            )

    @classmethod
    def make_head(cls, backbone, num_classes, classes_learned, **arguments):
        """Creates the head, with one channel for each learned class."""
        if classes_learned is not None:
            num_classes = len(check_class_ids(classes_learned, num_classes))
        return cls.head_class(
            num_classes,
            dtype=getattr(backbone, "dtype_policy", None),
            name="head",
            **arguments,
        )

    # === Losses ===

    @property
    def has_regions(self):
        """Whether the head reasons over latent regions."""
        return self.head.reasoner is not None

    @property
    def auxiliary_loss_names(self):
        """Names of the auxiliary losses, in the order of the logs."""
        regions = REGION_LOSSES if self.has_regions else ()
        return (*self.method_losses, *regions)

    def auxiliary_losses(self, labels, outputs):
        return self.region_losses(outputs) if self.has_regions else {}

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

    def mask_losses(self, labels, masks):
        """The losses of class masks `(B, h, w, K)`."""
        weights, void = self.auxiliary_weights, self.ignore_class
        return {
            "mask_loss": (weights["mask"], focal_mask_loss(labels, masks, void)),
            "dice_loss": (weights["dice"], dice_mask_loss(labels, masks, void)),
        }

    # === Components ===

    @property
    def _needs_components(self):
        return self.has_regions and self.auxiliary_weights["region"] > 0

    def label_function(self):
        if not self._needs_components:
            return None
        return functools.partial(
            pack_components,
            ignore_class=self.ignore_class,
            max_components=self.max_components,
            min_area=self.min_component_area,
        )

    def split_labels(self, labels):
        if not self.has_regions or labels is None:
            return labels, {}
        labels, components = unpack_components(labels)
        return labels, {"components": components}

    # === Inference ===

    def regions(self, image, hard=False) -> np.ndarray:
        """The latent regions of one image.

        Args:
            image: See `keras_seg.inference.segment`.
            hard: Boolean. Whether to return the main region of each pixel, which needs
                little memory even for large images.

        Returns:
            float32 array `(H, W, K)`, the membership of each pixel in each region, or
            integer array `(H, W)`.

        Raises:
            ValueError: If the model has no reasoner.
        """
        return region_ids(self, image) if hard else region_maps(self, image)

    def get_config(self):
        head = self.head.get_config()
        return {
            **super().get_config(),
            **{key: head[key] for key in self.head_arguments},
            "auxiliary_weights": self.auxiliary_weights,
            "max_components": self.max_components,
            "min_component_area": self.min_component_area,
        }
