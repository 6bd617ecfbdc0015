import keras
import numpy as np

from keras_seg.layers.cpt.cpt_head import CPTHead
from keras_seg.layers.resizing import resize_bilinear
from keras_seg.models.region_segmenter import RegionSegmenter


@keras.saving.register_keras_serializable(package="keras_seg")
class CPT(RegionSegmenter):
    """CPT: semantic segmentation with features reconstructed from category prototypes.

    Reference:
        [Rethinking Feature Reconstruction via Category Prototype in Semantic
        Segmentation](https://doi.org/10.1109/TIP.2025.3534532), IEEE TIP 2025;
        [preprint](https://arxiv.org/abs/2308.05581).

    Args:
        backbone: A `keras_hub.models.FeaturePyramidBackbone`, such as
            `keras_hub.models.ResNetBackbone` or
            `keras_seg.backbones.ApplicationsBackbone`.
        num_classes: Integer.
        hidden_dim: Integer. Number of channels inside the head.
        num_heads: Integer. Number of attention heads.
        source: String. What finer levels are reconstructed from: `"memory"`, or for
            comparison `"prototypes"`, `"pixels"` or `"bilinear"`; see
            `keras_seg.layers.CPTHead`. The last two have no mask losses.
        memory_momentum: Float or schedule, see `keras_seg.layers.PrototypeMemory`.
        initial_memory: Array or `None`, see `keras_seg.layers.CPTHead`.
        activation: String or callable. Activation of the layer that fuses the levels.
        pool_dim: Integer. Number of channels of the pooled image features; 0 omits
            them.
        dropout: Float. Spatial dropout before the classifier.
        auxiliary_weights: Dictionary with the weights of the losses `mask` (focal,
            inferred) and `dice` in training; by default those of the paper, 5 and 2.
            With a reasoner also those of `keras_seg.SGR`. `sample_weight` does not
            apply to these losses.
        reasoner: Boolean, or a dictionary with arguments of
            `keras_seg.layers.LatentRegionReasoner` in place of its defaults. Adds
            reasoning over latent regions of the fused levels, with the losses of
            `keras_seg.SGR` (ours).
        max_components, min_component_area: See `keras_seg.SGR`.
        classes_learned: See `keras_seg.models.Segmenter`.
        **kwargs: See `keras_seg.models.Segmenter`: `preprocessor`, `pyramid_levels`,
            `input_scale`, `freeze_backbone_norm`, `class_names`, `palette`,
            `ignore_class`, `long_side`. With `pyramid_levels=["P5"]` the model uses
            only features of stride 32, at a fraction of the cost: prototypes of that
            level update the level itself (ours; the authors only state that their
            method works at that stride).

    Call arguments:
        inputs: Images in 0..255, uint8 or float.
        training: Boolean, or `None`.

    Input shape:
        `(B, H, W, 3)`, any `H` and `W`.

    Output shape:
        `(B, H, W, num_classes)`, logits, also with `training=True`. For the auxiliary
        outputs, the list of `mask_logits`, call `training_outputs(images)`;
        `auxiliary_loss(labels, outputs)` computes their loss. `fit` does both.

    Raises:
        ValueError: If the backbone has no pyramid outputs, or names and colours do not
            match the number of classes.

    Example:

    ```python
    import numpy as np
    import keras_seg

    model = keras_seg.CPT(
        backbone=keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        num_classes=3,
        hidden_dim=16,
    )
    images = np.random.randint(0, 256, (1, 50, 70, 3), "uint8")
    print(model.predict(images, verbose=0).shape)  # (1, 50, 70, 3)
    ```
    """

    head_class = CPTHead
    head_arguments = (
        "hidden_dim",
        "num_heads",
        "source",
        "memory_momentum",
        "activation",
        "pool_dim",
        "dropout",
        "reasoner",
    )
    default_auxiliary_weights = {"mask": 5.0, "dice": 2.0}

    def __init__(
        self,
        backbone,
        num_classes,
        hidden_dim=256,
        num_heads=4,
        source="memory",
        memory_momentum=0.1,
        initial_memory=None,
        activation="gelu",
        pool_dim=48,
        dropout=0.1,
        auxiliary_weights=None,
        reasoner=False,
        max_components=32,
        min_component_area=64,
        classes_learned=None,
        **kwargs,
    ) -> None:
        head = self.make_head(
            backbone,
            num_classes,
            classes_learned,
            hidden_dim=hidden_dim,
            num_heads=num_heads,
            source=source,
            memory_momentum=memory_momentum,
            initial_memory=initial_memory,
            activation=activation,
            pool_dim=pool_dim,
            dropout=dropout,
            reasoner=reasoner,
        )
        super().__init__(
            backbone,
            head,
            num_classes,
            auxiliary_weights=auxiliary_weights,
            max_components=max_components,
            min_component_area=min_component_area,
            classes_learned=classes_learned,
            **kwargs,
        )

    @property
    def method_losses(self):
        """Names of the mask losses, if the head predicts masks."""
        return ("mask_loss", "dice_loss") if self.head.has_masks else ()

    def auxiliary_losses(self, labels, outputs):
        losses = super().auxiliary_losses(labels, outputs)
        if self.head.has_masks:
            size = keras.ops.shape(labels)[1:3]
            masks = sum(resize_bilinear(m, size) for m in outputs["mask_logits"])
            losses.update(self.mask_losses(labels, masks))  # masks: (B, H, W, K)
        return losses

    def prototypes(self, update=0) -> tuple[list[str], np.ndarray]:
        """Returns the prototypes of the data set from the memory of the model.

        `keras_seg.visualization.draw_similarity` draws their cosine similarities.

        Args:
            update: Integer. Index of the query update that they belong to: 0 for that
                of the finest level.

        Returns:
            Pair of the list of class names (`"class 0"`, ... if the model has none) and
            a NumPy array `(K, hidden_dim)`; both for the learned classes.

        Raises:
            ValueError: If the model has no memory, or no such update.
        """
        updates = self.head.updates
        if self.head.source != "memory" or not -len(updates) <= update < len(updates):
            raise ValueError(
                f"There is no memory of query update {update}. The model has "
                f"source='{self.head.source}' and {len(updates)} query updates; "
                "a memory needs source='memory'."
            )
        memory = updates[update].memory.memory
        return self.learned_class_names, keras.ops.convert_to_numpy(memory)
