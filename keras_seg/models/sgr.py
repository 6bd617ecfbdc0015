import keras

from keras_seg.keras_internals.trainable_state import freeze_unused
from keras_seg.layers.sgr.sgr_head import SGRHead
from keras_seg.models.region_segmenter import RegionSegmenter


@keras.saving.register_keras_serializable(package="keras_seg")
class SGR(RegionSegmenter):
    """SGR: DeepLabV3 with global reasoning over latent semantic regions.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338). The steps of the method are
        those of the paper. All formulas of the reasoner and the losses are ours, as no
        code is public; see `keras_seg.layers.LatentRegionReasoner` and
        `keras_seg.losses.region_loss`. So are all defaults that the paper's abstract
        does not give.

    In training, the region loss compares the regions with the connected components of
    the labels. `fit` computes the components, in the worker threads of the dataset if
    it has them.

    Args:
        backbone: A `keras_hub.models.FeaturePyramidBackbone`, such as
            `keras_hub.models.ResNetBackbone` or
            `keras_seg.backbones.ApplicationsBackbone`, with a level of stride 8 or 16.
            The last stage of most backbones has stride 32. SGR then uses their level of
            stride 16, and later layers are neither computed nor trained.
            `ApplicationsBackbone(..., output_stride=16)` keeps the last stage, dilated.
        num_classes: Integer.
        hidden_dim: Integer. Number of channels inside the head.
        reasoner: Boolean, or a dictionary with arguments of
            `keras_seg.layers.LatentRegionReasoner` in place of its defaults, such as
            `{"num_regions": 32}`. `False` makes a plain DeepLabV3.
        dilation_rates: List of integers; by default 6, 12, 18 for stride 16 and twice
            that for stride 8.
        dropout: Float. Spatial dropout before the classifier.
        auxiliary_weights: Dictionary with the weights of the losses `region`,
            `disjointness` and `token` in training; by default 1, 0.1 and 0.1. With a
            weight of 0 for `region`, components are not computed. `sample_weight` does
            not apply to these losses.
        max_components: Integer. Maximum number of components per image in the region
            loss.
        min_component_area: Integer. Components of fewer pixels are ignored.
        pyramid_levels: List of one level, by default the coarsest of stride 8 or 16.
        classes_learned: See `keras_seg.models.Segmenter`.
        **kwargs: See `keras_seg.models.Segmenter`: `preprocessor`, `input_scale`,
            `freeze_backbone_norm`, `class_names`, `palette`, `ignore_class`,
            `long_side`.

    Call arguments:
        inputs: Images in 0..255, uint8 or float.
        training: Boolean, or `None`.

    Input shape:
        `(B, H, W, 3)`, any `H` and `W`.

    Output shape:
        `(B, H, W, num_classes)`, logits, also with `training=True`. For the auxiliary
        outputs, `regions` and `tokens`, call `training_outputs(images)`;
        `auxiliary_loss(labels, outputs)` computes their loss. `fit` does both.

    Raises:
        ValueError: If the backbone has no level of stride 8 or 16, or names and colours
            do not match the number of classes.

    Example:

    ```python
    import numpy as np
    import keras_seg

    model = keras_seg.SGR(
        backbone=keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        num_classes=3,
        hidden_dim=16,
        reasoner={"num_regions": 5, "depth": 1},
    )
    image = np.random.randint(0, 256, (50, 70, 3), "uint8")
    print(model.predict(image[None], verbose=0).shape)  # (1, 50, 70, 3)
    print(model.regions(image).shape)  # (50, 70, 5)
    ```
    """

    head_class = SGRHead
    head_arguments = ("hidden_dim", "reasoner", "dilation_rates", "dropout")

    def __init__(
        self,
        backbone,
        num_classes,
        hidden_dim=256,
        reasoner=True,
        dilation_rates=None,
        dropout=0.1,
        auxiliary_weights=None,
        max_components=32,
        min_component_area=64,
        pyramid_levels=None,
        classes_learned=None,
        **kwargs,
    ) -> None:
        levels = pyramid_levels or [_coarsest_level(backbone)]
        if dilation_rates is None:
            factor = 2 if levels[-1] == "P3" else 1
            dilation_rates = [6 * factor, 12 * factor, 18 * factor]
        head = self.make_head(
            backbone,
            num_classes,
            classes_learned,
            hidden_dim=hidden_dim,
            reasoner=reasoner,
            dilation_rates=dilation_rates,
            dropout=dropout,
        )
        super().__init__(
            backbone,
            head,
            num_classes,
            auxiliary_weights=auxiliary_weights,
            max_components=max_components,
            min_component_area=min_component_area,
            pyramid_levels=levels,
            classes_learned=classes_learned,
            **kwargs,
        )
        freeze_unused(self)


def _coarsest_level(backbone):
    levels = getattr(backbone, "pyramid_outputs", {})
    for level in ("P4", "P3"):
        if level in levels:
            return level
    raise ValueError(
        "SGR needs a backbone with a level of stride 8 or 16, P3 or P4. Received: "
        f"{type(backbone).__name__} with the levels {sorted(levels)}."
    )
