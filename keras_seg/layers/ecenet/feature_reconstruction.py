import keras
from keras import ops

from keras_seg.keras_internals.folded_norm import normalized
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    batch_norm,
    check_feature_map,
    layer_norm,
)
from keras_seg.layers.valid_region import mask_padding, mean_over_positions


@keras.saving.register_keras_serializable(package="keras_seg")
class FeatureReconstruction(CompositeLayer):
    """Splits features into an intrinsic and a diverse half and joins them again.

    The intrinsic half is a projection of the features. The diverse half is a cheap
    depthwise convolution of the intrinsic half, weighted per channel. The diversity
    map measures how well the channels of the diverse half spread over different
    positions; the diversity loss of the method maximises its sum.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor, the features of one pyramid level.
        training: Boolean, or `None`. Whether batch statistics are used.
        return_diversity: Boolean. Whether to return the diversity map as well.

    Input shape:
        `(B, H, W, C)`, `C` at least 4.

    Output shape:
        `(B, H, W, C)`; with `return_diversity=True` the pair of it and the
        diversity map `(B, H * W)`.

    Raises:
        ValueError: If the input is not of rank 4 or has fewer than 4 channels.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.FeatureReconstruction()
    features = np.random.normal(size=(1, 6, 8, 16)).astype("float32")
    reconstructed, diversity = layer(features, return_diversity=True)
    print(reconstructed.shape, diversity.shape)  # (1, 6, 8, 16) (1, 48)
    ```
    """

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        if channels < 4:
            raise ValueError(
                "FeatureReconstruction expects a feature map with at least 4 channels. "
                f"Received: input_shape={tuple(input_shape)}."
            )
        kwargs, half = {"dtype": self.dtype_policy}, channels // 2
        batch, half_shape = input_shape[0], (*input_shape[:-1], half)
        self.diversity_channels = half
        self.add_sublayer(
            keras.layers.Conv2D(half, 1, use_bias=False, name="intrinsic", **kwargs),
            input_shape,
        )
        self.add_sublayer(batch_norm("intrinsic_norm", **kwargs), half_shape)
        self.add_sublayer(
            keras.layers.DepthwiseConv2D(3, padding="same", name="diverse", **kwargs),
            half_shape,
        )
        self.add_sublayer(batch_norm("diverse_norm", **kwargs), half_shape)
        self.add_sublayer(
            keras.layers.Dense(
                half // 2, activation="relu", use_bias=False, name="squeeze", **kwargs
            ),
            (batch, half),
        )
        self.add_sublayer(
            keras.layers.Dense(half, use_bias=False, name="excite", **kwargs),
            (batch, half // 2),
        )
        self.add_sublayer(
            keras.layers.Conv2D(channels, 1, use_bias=False, name="join", **kwargs),
            (*input_shape[:-1], 2 * half),
        )
        self.add_sublayer(layer_norm("norm", **kwargs), input_shape)

    def call(self, inputs, training=None, return_diversity=False):
        x = normalized(self.intrinsic, self.intrinsic_norm, inputs, training)
        diverse = normalized(self.diverse, self.diverse_norm, mask_padding(x), training)
        scale = self.excite(self.squeeze(mean_over_positions(diverse)))  # (B, C/2)
        diverse = diverse * scale[:, None, None, :]  # (B, H, W, C/2)
        outputs = self.norm(self.join(ops.concatenate([diverse, x], axis=-1)))
        if not return_diversity:
            return outputs
        shape = ops.shape(diverse)
        flat = ops.reshape(
            diverse, (-1, shape[1] * shape[2], self.diversity_channels)
        )  # (B, H * W, C/2)
        share = ops.softmax(ops.cast(flat, "float32"), axis=1)
        return outputs, ops.max(share, axis=-1)  # (B, H, W, C), (B, H * W)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def compute_output_spec(self, inputs, training=None, return_diversity=False):
        shape = self.compute_output_shape(inputs.shape)
        outputs = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_diversity:
            return outputs
        batch, height, width, _ = shape
        positions = None if None in (height, width) else height * width
        return outputs, keras.KerasTensor((batch, positions), dtype="float32")
