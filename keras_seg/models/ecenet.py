import keras

from keras_seg.layers.ecenet.ecenet_head import ECENetHead
from keras_seg.losses.diversity_loss import diversity_loss
from keras_seg.models.region_segmenter import RegionSegmenter


@keras.saving.register_keras_serializable(package="keras_seg")
class ECENet(RegionSegmenter):
    """ECENet: semantic segmentation from explicit class embeddings.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        backbone: A `keras_hub.models.FeaturePyramidBackbone`, such as
            `keras_hub.models.ResNetBackbone` or
            `keras_seg.backbones.ApplicationsBackbone`.
        num_classes: Integer.
        hidden_dim: Integer. Number of channels inside the head.
        num_heads: Integer. Number of attention heads.
        query_activation: See `keras_seg.layers.SemanticsAttention`.
        gated: Boolean. `False` adds class embeddings instead of gating them.
        dropout: Float. Spatial dropout before the classifier.
        mlp_ratio, fusion: See `keras_seg.layers.ECENetHead`. `mlp_ratio=2` and
            `fusion="coarse"` about halve the operations of the head (ours).
        auxiliary_weights: Dictionary with the weights of the losses `mask` (focal,
            inferred), `dice` and `diversity` (inferred) in training; by default those
            of the paper, 5, 2 and 0.2. With a reasoner also those of `keras_seg.SGR`.
            `sample_weight` does not apply to these losses.
        reasoner: Boolean, or a dictionary with arguments of
            `keras_seg.layers.LatentRegionReasoner` in place of its defaults. Adds
            reasoning over latent regions of the fused levels, with the losses of
            `keras_seg.SGR` (ours).
        max_components, min_component_area: See `keras_seg.SGR`.
        classes_learned: See `keras_seg.models.Segmenter`.
        **kwargs: See `keras_seg.models.Segmenter`: `preprocessor`, `pyramid_levels`,
            `input_scale`, `freeze_backbone_norm`, `class_names`, `palette`,
            `ignore_class`, `long_side`.

    Call arguments:
        inputs: Images in 0..255, uint8 or float.
        training: Boolean, or `None`.

    Input shape:
        `(B, H, W, 3)`, any `H` and `W`.

    Output shape:
        `(B, H, W, num_classes)`, logits, also with `training=True`. For the auxiliary
        outputs, the `mask_logits` of the coarse levels and the maps of `diversity`,
        call `training_outputs(images)`; `auxiliary_loss(labels, outputs)` computes
        their loss. `fit` does both.

    Raises:
        ValueError: If the backbone has no pyramid outputs, or names and colours do not
            match the number of classes.

    Example:

    ```python
    import numpy as np
    import keras_seg

    model = keras_seg.ECENet(
        backbone=keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        num_classes=3,
        hidden_dim=16,
    )
    images = np.random.randint(0, 256, (1, 50, 70, 3), "uint8")
    print(model.predict(images, verbose=0).shape)  # (1, 50, 70, 3)
    ```
    """

    head_class = ECENetHead
    head_arguments = (
        "hidden_dim",
        "num_heads",
        "query_activation",
        "gated",
        "dropout",
        "reasoner",
        "mlp_ratio",
        "fusion",
    )
    default_auxiliary_weights = {"mask": 5.0, "dice": 2.0, "diversity": 0.2}
    method_losses = ("mask_loss", "dice_loss", "diversity_loss")

    def __init__(
        self,
        backbone,
        num_classes,
        hidden_dim=256,
        num_heads=4,
        query_activation=None,
        gated=True,
        dropout=0.1,
        auxiliary_weights=None,
        reasoner=False,
        mlp_ratio=4,
        fusion="full",
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
            query_activation=query_activation,
            gated=gated,
            dropout=dropout,
            reasoner=reasoner,
            mlp_ratio=mlp_ratio,
            fusion=fusion,
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

    def auxiliary_losses(self, labels, outputs):
        channels = [r.diversity_channels for r in self.head.reconstructions]
        diversity = diversity_loss(outputs["diversity"], channels)
        return {
            **super().auxiliary_losses(labels, outputs),
            **self.mask_losses(labels, outputs["mask_logits"]),
            "diversity_loss": (self.auxiliary_weights["diversity"], diversity),
        }
