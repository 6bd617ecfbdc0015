import math

import keras
import keras_hub
from keras import ops

from keras_seg.keras_internals.folded_norm import normalized
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    batch_norm,
    build_layer,
    check_feature_map,
    check_positive,
)
from keras_seg.layers.valid_region import mask_padding, valid_size

EPSILON = 1e-6
MAX_FREQUENCIES = 8  # higher ones would vary faster than the positions of a map


@keras.saving.register_keras_serializable(package="keras_seg")
class LatentRegionReasoner(CompositeLayer):
    """Global reasoning over a feature map through a few latent regions.

    Each position is softly assigned to `K` regions. The mean of the features of a
    region is its token. A transformer encoder relates the tokens to each other. The
    tokens are then projected back to the positions of their regions and joined with
    the input. Any two positions can thus exchange information at a cost that is linear
    in the number of positions, not quadratic.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338); the second version appeared
        at WACV 2024. No code is public. Only the outline of the method is taken from
        the paper: projection to regions, tokens, encoder, projection back. **All
        formulas are ours.** With `X` the input, for each position `x`:

            X' = conv1x1(X)                                         (D channels)
            P  = softmax over k of conv1x1(X') / temperature        (K regions)
            T_k = sum_x P_k(x) (X'(x) + e(x)) / (sum_x P_k(x) + 1e-6)
            T' = encoder(T), with normalisation before each sublayer
            Y(x) = sum_k P_k(x) T'_k
            output = ReLU(BN(conv1x1([X, Y])))

        `e` is a fixed encoding of the position: sine and cosine of row and column,
        scaled to 0..1 over the map, at the angular frequencies pi, 2 pi, 4 pi and so
        on, `D / 4` of them but at most 8; the remaining channels are 0.

        The last convolution is initialised to pass `X` through and to ignore `Y`
        (ours too): a network with the layer then learns from the start about as fast
        as without it. With random weights it learns far slower.

    Args:
        hidden_dim: Integer. Number of channels `D` of the tokens, a multiple of
            `num_heads` and at least 4.
        num_regions: Integer. Number of regions `K`.
        output_dim: Integer. Number of output channels; by default that of the input.
        depth: Integer. Number of encoder layers.
        num_heads: Integer. Number of attention heads.
        mlp_ratio: Integer. Width of the encoder's MLP in multiples of `hidden_dim`.
        dropout: Float. Rate of dropout in the encoder.
        temperature: Float. Temperature of the softmax; below 1 regions are sharper.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of features.
        training: Boolean, or `None`.
        return_regions: Boolean. Whether to return regions and tokens as well, which
            `keras_seg.losses.region_loss` and its companions take.

    Input shape:
        `(B, H, W, C)`, any `H` and `W`.

    Output shape:
        `(B, H, W, output_dim)`. With `return_regions=True` a tuple of that, the
        regions `P`, `(B, H, W, K)`, and the tokens `T`, `(B, K, D)`.

    Raises:
        ValueError: If `num_heads` does not divide `hidden_dim`, or a number is out of
            range, or the input is not a feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.LatentRegionReasoner(hidden_dim=32, num_regions=6)
    features = np.random.normal(size=(2, 9, 12, 16)).astype("float32")
    fused, regions, tokens = layer(features, return_regions=True)
    print(fused.shape, regions.shape, tokens.shape)
    # (2, 9, 12, 16) (2, 9, 12, 6) (2, 6, 32)
    ```
    """

    def __init__(
        self,
        hidden_dim=256,
        num_regions=64,
        output_dim=None,
        depth=3,
        num_heads=8,
        mlp_ratio=4,
        dropout=0.0,
        temperature=1.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(num_heads=num_heads)
        if hidden_dim < 4 or hidden_dim % num_heads:
            raise ValueError(
                "`hidden_dim` must be at least 4 and a multiple of `num_heads`. "
                f"Received: hidden_dim={hidden_dim}, num_heads={num_heads}."
            )
        if num_regions < 2 or depth < 0 or not temperature > 0:
            raise ValueError(
                "There must be at least two regions, `depth` must not be negative, and "
                f"`temperature` must be positive. Received: num_regions={num_regions}, "
                f"depth={depth}, temperature={temperature}."
            )
        self.hidden_dim = hidden_dim
        self.num_regions = num_regions
        self.output_dim = output_dim
        self.depth = depth
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.dropout = dropout
        self.temperature = float(temperature)

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        kwargs, space = {"dtype": self.dtype_policy}, tuple(input_shape[:-1])
        dim, output_dim = self.hidden_dim, self.output_dim or channels
        self.add_sublayer(
            keras.layers.Conv2D(dim, 1, name="projection", **kwargs), input_shape
        )
        self.add_sublayer(
            keras.layers.Conv2D(
                self.num_regions, 1, name="region_classifier", **kwargs
            ),
            (*space, dim),
        )
        self.encoders = [
            build_layer(
                keras_hub.layers.TransformerEncoder(
                    dim * self.mlp_ratio,
                    self.num_heads,
                    dropout=self.dropout,
                    activation="gelu",
                    normalize_first=True,
                    name=f"encoder_{i}",
                    **kwargs,
                ),
                (space[0], self.num_regions, dim),
            )
            for i in range(self.depth)
        ]
        self.add_sublayer(
            keras.layers.Conv2D(
                output_dim,
                1,
                use_bias=False,
                kernel_initializer=_first_channels_alone(channels),
                name="fusion",
                **kwargs,
            ),
            (*space, channels + dim),
        )
        self.add_sublayer(batch_norm("fusion_norm", **kwargs), (*space, output_dim))

    def call(self, inputs, training=None, return_regions=False):
        projected = mask_padding(self.projection(inputs))  # (B, H, W, D)
        # In half precision a sum over all positions would lose small regions.
        scores = ops.cast(self.region_classifier(projected), "float32")
        regions = ops.softmax(scores / self.temperature, axis=-1)  # (B, H, W, K)
        counted = mask_padding(regions)
        sizes = ops.sum(counted, axis=(1, 2), keepdims=True)
        shares = ops.cast(counted / (sizes + EPSILON), projected.dtype)
        regions = ops.cast(regions, projected.dtype)

        tokens = ops.einsum("bhwk,bhwd->bkd", shares, projected)
        tokens = tokens + self._mean_position(shares)  # (B, K, D)
        related = tokens
        for encoder in self.encoders:
            related = encoder(related, training=training)
        spread = ops.einsum("bhwk,bkd->bhwd", regions, related)  # (B, H, W, D)
        fused = ops.concatenate([inputs, spread], axis=-1)
        fused = ops.relu(normalized(self.fusion, self.fusion_norm, fused, training))
        return (fused, regions, tokens) if return_regions else fused

    def _mean_position(self, shares):
        size = ops.shape(shares)[1:3]
        valid, dim, dtype = valid_size(size), self.hidden_dim, shares.dtype
        rows = _encoding(size[0], valid[0], dim, 0, dtype)  # (H, D)
        columns = _encoding(size[1], valid[1], dim, 1, dtype)  # (W, D)
        # Sums before products: LiteRT has no einsum that reduces a free axis.
        by_row, by_column = ops.sum(shares, axis=2), ops.sum(shares, axis=1)
        mean_row = ops.einsum("bhk,hd->bkd", by_row, rows)
        return mean_row + ops.einsum("bwk,wd->bkd", by_column, columns)  # (B, K, D)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_dim or input_shape[-1])

    def compute_output_spec(self, inputs, training=None, return_regions=False):
        shape = tuple(inputs.shape)
        shapes = [
            self.compute_output_shape(shape),
            (*shape[:-1], self.num_regions),
            (shape[0], self.num_regions, self.hidden_dim),
        ]
        specs = tuple(keras.KerasTensor(s, dtype=self.compute_dtype) for s in shapes)
        return specs if return_regions else specs[0]

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_regions": self.num_regions,
            "output_dim": self.output_dim,
            "depth": self.depth,
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
            "dropout": self.dropout,
            "temperature": self.temperature,
        }


def _first_channels_alone(channels):
    """Initializer of a 1x1 convolution that ignores all but the first channels.

    Their kernel is the identity if there are as many output channels, else random.
    """

    def kernel(shape, dtype=None):
        rest, output_dim = shape[2] - channels, shape[3]
        if output_dim == channels:
            first = ops.eye(channels, dtype=dtype)
        else:
            first = keras.initializers.GlorotUniform()((channels, output_dim), dtype)
        rest = ops.zeros((rest, output_dim), dtype)
        return ops.concatenate([first, rest])[None, None]  # (1, 1, C + D, output_dim)

    return kernel


def _encoding(length, valid, dim, axis, dtype):
    """Sines and cosines of the positions of an axis, `(length, dim)`.

    The valid part of the axis is scaled to 0..1.

    Channels come in groups of four: sine and cosine of the row (axis 0), then sine and
    cosine of the column (axis 1).
    """
    count = min(dim // 4, MAX_FREQUENCIES)
    frequencies = ops.convert_to_tensor([math.pi * 2**i for i in range(count)])
    place = ops.cast(ops.arange(length), "float32") + 0.5
    place = place / ops.cast(valid, "float32")
    angles = place[:, None] * ops.cast(frequencies, "float32")  # (L, F)
    waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)  # (L, F, 2)
    waves = ops.pad(waves, ((0, 0), (0, 0), (2 * axis, 2 - 2 * axis)))  # (L, F, 4)
    waves = ops.reshape(waves, (-1, 4 * count))
    return ops.cast(ops.pad(waves, ((0, 0), (0, dim - 4 * count))), dtype)
