import keras
from keras import ops

from keras_seg.layers.normalization import batch_norm, layer_norm


@keras.saving.register_keras_serializable(package="keras_seg")
class FeatureReconstruction(keras.layers.Layer):
    """Splits features into an intrinsic and a diverse half and joins them again.

    The intrinsic half is a projection of the features, the diverse half a cheap
    depthwise convolution of it, weighted per channel. The diversity map tells how
    well the channels of the diverse half spread over different positions; the
    diversity loss of the method asks for a large sum of it.

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
        channels = input_shape[-1] if len(input_shape) == 4 else None
        if channels is None or channels < 4:
            raise ValueError(
                "FeatureReconstruction expects features of shape (B, H, W, C) with "
                f"C at least 4. Received: input_shape={tuple(input_shape)}."
            )
        half = channels // 2
        kwargs = {"dtype": self.dtype_policy}
        self.intrinsic = keras.layers.Conv2D(
            half, 1, use_bias=False, name="intrinsic", **kwargs
        )
        self.intrinsic_norm = batch_norm("intrinsic_norm", **kwargs)
        self.diverse = keras.layers.DepthwiseConv2D(
            3, padding="same", name="diverse", **kwargs
        )
        self.diverse_norm = batch_norm("diverse_norm", **kwargs)
        self.squeeze = keras.layers.Dense(
            half // 2, activation="relu", use_bias=False, name="squeeze", **kwargs
        )
        self.excite = keras.layers.Dense(half, use_bias=False, name="excite", **kwargs)
        self.join = keras.layers.Conv2D(
            channels, 1, use_bias=False, name="join", **kwargs
        )
        self.norm = layer_norm("norm", **kwargs)

        half_shape = (*input_shape[:-1], half)
        self.intrinsic.build(input_shape)
        self.intrinsic_norm.build(half_shape)
        self.diverse.build(half_shape)
        self.diverse_norm.build(half_shape)
        self.squeeze.build((input_shape[0], half))
        self.excite.build((input_shape[0], half // 2))
        self.join.build((*input_shape[:-1], 2 * half))
        self.norm.build(input_shape)
        self.diversity_channels = half
        self.built = True

    def call(self, inputs, training=None, return_diversity=False):
        x = self.intrinsic_norm(self.intrinsic(inputs), training=training)
        diverse = self.diverse_norm(self.diverse(x), training=training)
        scale = self.excite(self.squeeze(ops.mean(diverse, axis=(1, 2))))  # (B, C/2)
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
