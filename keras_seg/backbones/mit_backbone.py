import contextlib
import math

import keras
import keras_hub

from keras_seg.backbones.mit_block import MiTBlock

# Of the ImageNet photos that it is trained on, in 0..255.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


@keras.saving.register_keras_serializable(package="keras_seg")
class MiTBackbone(keras_hub.models.FeaturePyramidBackbone):
    """keras-hub's Mix Transformer, the encoder of SegFormer, for images of any size.

    keras-hub's takes the side of a map for the root of its number of positions, so it
    works on squares alone, and it needs to know their size when it is made. This one
    has the same layers and weights, in the same order, and keeps maps as maps.

    Reference:
        [SegFormer: Simple and Efficient Design for Semantic Segmentation with
        Transformers](https://arxiv.org/abs/2105.15203).

    Args:
        layerwise_strides, layerwise_sr_ratios: See `keras_hub.models.MiTBackbone`.
        image_shape: Triple, by default of any height and width.
        dtype, name, trainable: See `keras_hub.models.Backbone`.
        **kwargs: Other arguments of `keras_hub.models.MiTBackbone`.

    Input shape:
        `(B, H, W, 3)`, with the mean and deviation of ImageNet taken out, see
        `image_scaling`. A `Segmenter` does so.

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
    ):
        # === Layers ===
        kwargs.update(
            layerwise_strides=list(layerwise_strides),
            layerwise_sr_ratios=list(layerwise_sr_ratios),
        )
        side = _small_side(layerwise_strides, layerwise_sr_ratios)
        with _dtype_policy(dtype):
            square = keras_hub.models.MiTBackbone(
                image_shape=(side, side, image_shape[-1]), **kwargs
            )
        norms = [
            layer
            for layer in square.layers
            if isinstance(layer, keras.layers.LayerNormalization)
        ]

        # === Functional Model ===
        images = keras.Input(shape=image_shape, name="images")
        x, pyramid, stride = images, {}, 1
        for i in range(square.num_layers):
            embedding = square.get_layer(f"patch_and_embed_{i}")
            x = embedding.norm(embedding.proj(embedding.padding(x)))  # (B, H, W, C)
            for j in range(square.layerwise_depths[i]):
                block = square.get_layer(f"hierarchical_encoder_{i}_{j}")
                x = MiTBlock(block, name=block.name)(x)
            x = norms[i](x)
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

    @property
    def image_scaling(self):
        """Scale and offset of each channel that bring 0..255 to the input's range."""
        scale = [1 / deviation for deviation in STD]
        return scale, [-m * s for m, s in zip(MEAN, scale, strict=True)]

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            **self.mit_kwargs,
        }


def _small_side(strides, reductions):
    """Side of a small square that all strides divide and that has more than one key.

    Strides 4 and 2 with reductions 8 and 4 give 64 pixels.
    """
    coarsest = math.prod(strides)
    needed = [
        math.prod(strides[: i + 1]) * reduction
        for i, reduction in enumerate(reductions)
    ]
    return 2 * math.ceil(max(needed) / coarsest) * coarsest


@contextlib.contextmanager
def _dtype_policy(dtype):
    """What layers are made with that, like keras-hub's here, ask for no other."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(before if dtype is None else dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
