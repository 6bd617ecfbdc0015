import keras
import keras_hub

from keras_seg.backbones.imagenet import ImageNetScaling
from keras_seg.backbones.swin.patches import PatchEmbedding, PatchMerging
from keras_seg.backbones.swin.swin_block import SwinBlock


@keras.saving.register_keras_serializable(package="keras_seg")
class SwinBackbone(ImageNetScaling, keras_hub.models.FeaturePyramidBackbone):
    """Swin Transformer with feature pyramid outputs, for images of any size.

    keras-hub's Swin Transformer has one output and a fixed image size, and pads maps
    after the shift. This backbone follows the published code for dense prediction: maps
    are padded before the shift, and each level has its own output normalisation.

    Reference:
        [Swin Transformer: Hierarchical Vision Transformer using Shifted
        Windows](https://arxiv.org/abs/2103.14030), ICCV 2021.

    Args:
        embed_dim: Integer. Channels of the finest level; each next level has twice as
            many.
        depths: List of integers. Number of blocks of each level.
        num_heads: List of integers. Number of attention heads of each level.
        window_size: Integer. Side of a window of attention.
        mlp_ratio: Float. See `keras_seg.backbones.SwinBlock`.
        drop_path: Float. Rate of the last block; the rates rise linearly from 0.
        image_shape: Tuple `(height, width, channels)`; by default any height and width.
        dtype: See `keras_hub.models.Backbone`.
        **kwargs: `name` and `trainable`, see `keras_hub.models.Backbone`.

    Input shape:
        `(B, H, W, 3)`, standardized with the mean and standard deviation of ImageNet,
        see `image_scaling`. A `Segmenter` does that.

    Output shape:
        Dictionary of the levels from `P2` on, `Pn` of the shape
        `(B, ceil(H / 2^n), ceil(W / 2^n), C)`.

    Raises:
        ValueError: If `depths` and `num_heads` are of different lengths.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.SwinBackbone(8, depths=[1, 2], num_heads=[1, 2])
    print({k: v.shape[-1] for k, v in backbone.pyramid_outputs.items()})
    ```
    """

    def __init__(
        self,
        embed_dim,
        depths,
        num_heads,
        window_size=7,
        mlp_ratio=4.0,
        drop_path=0.2,
        image_shape=(None, None, 3),
        dtype=None,
        **kwargs,
    ) -> None:
        if len(depths) != len(num_heads):
            raise ValueError(
                "`depths` and `num_heads` must have one entry for each level. "
                f"Received: depths={list(depths)}, num_heads={list(num_heads)}."
            )
        rates = [drop_path * i / max(1, sum(depths) - 1) for i in range(sum(depths))]

        # === Layers ===
        self.patch_embedding = PatchEmbedding(
            embed_dim, dtype=dtype, name="patch_embedding"
        )
        self.stages, self.mergings, self.norms = [], [], []
        for i, depth in enumerate(depths):
            if i > 0:
                units = embed_dim * 2**i
                name = f"merging_{i - 1}"
                self.mergings.append(PatchMerging(units, dtype=dtype, name=name))
            self.stages.append(
                [
                    SwinBlock(
                        num_heads[i],
                        window_size,
                        shift=window_size // 2 if j % 2 else 0,
                        mlp_ratio=mlp_ratio,
                        drop_path=rates[sum(depths[:i]) + j],
                        dtype=dtype,
                        name=f"stage_{i}_block_{j}",
                    )
                    for j in range(depth)
                ]
            )
            self.norms.append(
                keras.layers.LayerNormalization(
                    epsilon=1e-5, dtype=dtype, name=f"norm_{i}"
                )
            )

        # === Functional Model ===
        images = keras.Input(shape=image_shape, name="images")
        x, pyramid = self.patch_embedding(images), {}
        for i, blocks in enumerate(self.stages):
            if i > 0:
                x = self.mergings[i - 1](x)
            for block in blocks:
                x = block(x)
            pyramid[f"P{i + 2}"] = self.norms[i](x)
        # All levels are outputs, so that the model tracks the norms of all of them.
        super().__init__(inputs=images, outputs=pyramid, dtype=dtype, **kwargs)
        self.pyramid_outputs = pyramid

        # === Config ===
        self.embed_dim = embed_dim
        self.depths = list(depths)
        self.num_heads = list(num_heads)
        self.window_size = window_size
        self.mlp_ratio = mlp_ratio
        self.drop_path = drop_path
        self.image_shape = tuple(image_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "embed_dim": self.embed_dim,
            "depths": self.depths,
            "num_heads": self.num_heads,
            "window_size": self.window_size,
            "mlp_ratio": self.mlp_ratio,
            "drop_path": self.drop_path,
            "image_shape": self.image_shape,
        }
