import math

import keras
import keras_hub
from keras import ops

from keras_seg.layers.normalization import batch_norm


@keras.saving.register_keras_serializable(package="keras_seg")
class LatentRegionReasoner(keras.layers.Layer):
    """Reasons about a feature map by way of a few latent regions.

    Every position belongs softly to `K` regions. Each region gives a token, the mean
    of its features; a transformer encoder relates the tokens to each other; they are
    spread back over their regions and joined with the features that came in. So any
    two places of an image speak to each other at a cost that grows with the number of
    positions, not with its square.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338); the second version appeared
        at WACV 2024. No code is public, and of the method only its course is taken
        from there: projection to regions, tokens, encoder, projection back. **All
        formulas are ours.** With `X` the input, per position `x`:

            X' = conv1x1(X)                                         (D channels)
            P  = softmax over k of conv1x1(X') / temperature        (K regions)
            T_k = sum_x P_k(x) (X'(x) + e(x)) / (sum_x P_k(x) + 1e-6)
            T' = encoder(T), each layer with normalisation in front
            Y(x) = sum_k P_k(x) T'_k
            output = ReLU(BN(conv1x1([X, Y])))

        `e` is a fixed encoding of the position: sine and cosine of row and column,
        which run from 0 to 1 over the map, at the angular frequencies pi, 2 pi, 4 pi
        and so on up to `D / 4` of them, at most 8; channels left over stay 0.

        The last convolution begins as `X` without `Y` (ours too): a network that the
        layer is put into then learns about as fast as without it from the start, and
        far slower with random weights there.

    Args:
        hidden_dim: Integer. Number of channels `D` of the tokens, a multiple of
            `num_heads` and at least 4.
        num_regions: Integer, the number of regions `K`.
        output_dim: Integer. Number of output channels, by default as many as come in.
        depth: Integer. Number of encoder layers.
        num_heads: Integer. Number of attention heads.
        mlp_ratio: Integer. Width of the encoder's MLP.
        dropout: Float. Rate of dropout in the encoder.
        temperature: Float. Below 1 regions are sharper.
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
            range.

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
    ):
        super().__init__(**kwargs)
        if hidden_dim < 4 or hidden_dim % num_heads:
            raise ValueError(
                "`hidden_dim` must be at least 4 and a multiple of `num_heads`. "
                f"Received: hidden_dim={hidden_dim}, num_heads={num_heads}."
            )
        if num_regions < 2 or depth < 0 or temperature <= 0:
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
        kwargs = {"dtype": self.dtype_policy}
        space, channels = tuple(input_shape[:-1]), input_shape[-1]
        dim, output_dim = self.hidden_dim, self.output_dim or channels
        self.projection = keras.layers.Conv2D(dim, 1, name="projection", **kwargs)
        self.projection.build(input_shape)
        self.region_classifier = keras.layers.Conv2D(
            self.num_regions, 1, name="region_classifier", **kwargs
        )
        self.region_classifier.build((*space, dim))
        self.encoders = [
            keras_hub.layers.TransformerEncoder(
                dim * self.mlp_ratio,
                self.num_heads,
                dropout=self.dropout,
                activation="gelu",
                normalize_first=True,
                name=f"encoder_{i}",
                **kwargs,
            )
            for i in range(self.depth)
        ]
        for encoder in self.encoders:
            encoder.build((space[0], self.num_regions, dim))
        self.fusion = keras.layers.Conv2D(
            output_dim,
            1,
            use_bias=False,
            kernel_initializer=_first_channels_alone(channels),
            name="fusion",
            **kwargs,
        )
        self.fusion.build((*space, channels + dim))
        self.fusion_norm = batch_norm("fusion_norm", **kwargs)
        self.fusion_norm.build((*space, output_dim))
        self.built = True

    def call(self, inputs, training=None, return_regions=False):
        projected = self.projection(inputs)  # (B, H, W, D)
        # Sums over all positions would lose small regions in half precision.
        scores = ops.cast(self.region_classifier(projected), "float32")
        regions = ops.softmax(scores / self.temperature, axis=-1)  # (B, H, W, K)
        sizes = ops.sum(regions, axis=(1, 2), keepdims=True)
        shares = ops.cast(regions / (sizes + EPSILON), projected.dtype)
        regions = ops.cast(regions, projected.dtype)

        tokens = ops.einsum("bhwk,bhwd->bkd", shares, projected)
        tokens = tokens + self._mean_position(shares)  # (B, K, D)
        related = tokens
        for encoder in self.encoders:
            related = encoder(related, training=training)
        spread = ops.einsum("bhwk,bkd->bhwd", regions, related)  # (B, H, W, D)
        fused = self.fusion(ops.concatenate([inputs, spread], axis=-1))
        fused = ops.relu(self.fusion_norm(fused, training=training))
        return (fused, regions, tokens) if return_regions else fused

    def _mean_position(self, shares):
        shape = ops.shape(shares)
        rows = _encoding(shape[1], self.hidden_dim, 0, shares.dtype)  # (H, D)
        columns = _encoding(shape[2], self.hidden_dim, 1, shares.dtype)  # (W, D)
        mean_row = ops.einsum("bhwk,hd->bkd", shares, rows)
        return mean_row + ops.einsum("bhwk,wd->bkd", shares, columns)  # (B, K, D)

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


def make_reasoner(options, hidden_dim, dtype):
    """The reasoner of a head whose argument `reasoner` is `options`, or `None`.

    Args:
        options: Boolean, or a dictionary with arguments of `LatentRegionReasoner`.
        hidden_dim: Integer, the width of the head, which the reasoner takes unless
            `options` say otherwise. Then as many of its 8 heads as divide it are used.
        dtype: Dtype policy.
    """
    if not options:
        return None
    options = {"hidden_dim": hidden_dim, **(options if options is not True else {})}
    options.setdefault("num_heads", math.gcd(options["hidden_dim"], 8))
    return LatentRegionReasoner(**options, name="reasoner", dtype=dtype)


def region_shapes(reasoner, space):
    """Shapes of what a head adds to its outputs for `space`, `(B, H, W)`."""
    return {
        "regions": (*space, reasoner.num_regions),
        "tokens": (space[0], reasoner.num_regions, reasoner.hidden_dim),
    }


def _first_channels_alone(channels):
    """Initialiser of a 1x1 convolution that ignores all but the first channels.

    They go through as they are where as many come out, else by random weights.
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


EPSILON = 1e-6
MOST_FREQUENCIES = 8  # more would turn faster than the positions of a map


def _encoding(length, dim, axis, dtype):
    """Sines and cosines of the positions of an axis, `(length, dim)`.

    Channels come in fours: sine and cosine of the row (axis 0), of the column (1).
    """
    count = min(dim // 4, MOST_FREQUENCIES)
    frequencies = ops.convert_to_tensor([math.pi * 2**i for i in range(count)])
    place = ops.cast(ops.arange(length), "float32") + 0.5
    place = place / ops.cast(length, "float32")
    angles = place[:, None] * ops.cast(frequencies, "float32")  # (L, F)
    waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)  # (L, F, 2)
    waves = ops.pad(waves, ((0, 0), (0, 0), (2 * axis, 2 - 2 * axis)))  # (L, F, 4)
    waves = ops.reshape(waves, (-1, 4 * count))
    return ops.cast(ops.pad(waves, ((0, 0), (0, dim - 4 * count))), dtype)
