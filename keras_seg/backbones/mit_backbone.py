import math

import keras
import keras_hub

from keras_seg.backbones.default_dtype_policy import default_dtype_policy
from keras_seg.backbones.imagenet import ImageNetScaling
from keras_seg.keras_internals.hub_backbones import mix_transformer_levels
from keras_seg.keras_internals.mix_transformer_block import MiTBlock


@keras.saving.register_keras_serializable(package="keras_seg")
class MiTBackbone(ImageNetScaling, keras_hub.models.FeaturePyramidBackbone):
    """keras-hub's Mix Transformer, the encoder of SegFormer, for images of any size.

    keras-hub's backbone works on square images of a size that is fixed when the model
    is made, as it derives the side of a map from its number of positions. This backbone
    has the same layers and weights in the same order, and keeps height and width.

    Reference:
        [SegFormer: Simple and Efficient Design for Semantic Segmentation with
        Transformers](https://arxiv.org/abs/2105.15203).

    Args:
        layerwise_strides: See `keras_hub.models.MiTBackbone`.
        layerwise_sr_ratios: See `keras_hub.models.MiTBackbone`.
        image_shape: Tuple `(height, width, channels)`; by default any height and width.
        dtype: See `keras_hub.models.Backbone`.
        name: See `keras_hub.models.Backbone`.
        trainable: See `keras_hub.models.Backbone`.
        **kwargs: Other arguments of `keras_hub.models.MiTBackbone`.

    Input shape:
        `(B, H, W, 3)`, standardized with the mean and standard deviation of ImageNet,
        see `image_scaling`. A `Segmenter` does that.

    Output shape:
        The last level; `pyramid_outputs` has all, `Pn` of the shape
        `(B, ceil(H / 2^n), ceil(W / 2^n), C)`, by default from `P2` on.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.MiTBackbone(
        num_layers=2,
        hidden_dims=[8, 16],
        layerwise_depths=[1, 1],
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        layerwise_patch_sizes=[7, 3],
        layerwise_strides=[4, 2],
        max_drop_path_rate=0.1,
    )
    print({k: v.shape[-1] for k, v in backbone.pyramid_outputs.items()})
    ```
    """

    def __init__(
        self,
        layerwise_strides,
        layerwise_sr_ratios,
        image_shape=(None, None, 3),
        dtype=None,
        name=None,
        trainable=True,
        **kwargs,
    ) -> None:
        # === Layers ===
        kwargs.update(
            layerwise_strides=list(layerwise_strides),
            layerwise_sr_ratios=list(layerwise_sr_ratios),
        )
        side = _small_side(layerwise_strides, layerwise_sr_ratios)
        with default_dtype_policy(dtype):
            square = keras_hub.models.MiTBackbone(
                image_shape=(side, side, image_shape[-1]), **kwargs
            )

        # === Functional Model ===
        images = keras.Input(shape=image_shape, name="images")
        x, pyramid, stride = images, {}, 1
        for i, (embedding, blocks, norm) in enumerate(mix_transformer_levels(square)):
            for layer in embedding:
                x = layer(x)  # (B, H, W, C)
            for block in blocks:
                x = MiTBlock(block, name=block.name)(x)
            x = norm(x)
            stride *= square.layerwise_strides[i]
            pyramid[f"P{stride.bit_length() - 1}"] = x
        super().__init__(
            inputs=images,
            outputs=x,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        self.pyramid_outputs = pyramid

        # === Config ===
        self.image_shape = tuple(image_shape)
        self.mit_kwargs = kwargs

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            **self.mit_kwargs,
        }


def _small_side(strides, reductions):
    """Side of a small square that all strides divide and that has more than one key.

    For example 64 pixels for strides 4 and 2 with reductions 8 and 4.
    """
    coarsest = math.prod(strides)
    needed = [
        math.prod(strides[: i + 1]) * reduction
        for i, reduction in enumerate(reductions)
    ]
    return 2 * math.ceil(max(needed) / coarsest) * coarsest
