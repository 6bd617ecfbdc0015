import fractions

import keras
from keras import ops

from keras_seg.layers.composite_layer import check_feature_map, check_positive
from keras_seg.layers.resampling import aligned_matrix, averaging_matrix, resample
from keras_seg.layers.valid_region import mask_padding, valid_size


@keras.saving.register_keras_serializable(package="keras_seg")
class ScaledDepthwiseConv2D(keras.layers.Layer):
    """Convolves each channel of a map at another scale, and returns to its size.

    With a small `scale` a kernel sees a large part of the image, with a large one it
    sees details. Maps are made larger by linear interpolation with aligned corners, and
    smaller by adaptive average pooling. Several such layers make the pyramid pooling of
    ESPNetv2's decoder.

    Reference:
        [ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional
        Neural Network](https://arxiv.org/abs/1811.11431), CVPR 2019.

    Args:
        scale: Float. Rounded to three decimals.
        kernel_size: Integer. Height and width of the kernels.
        min_size: Integer. Height and width of the scaled map are at least this, as
            published.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`; scaled it is of height `max(min_size, ceil(scale * H))`,
        likewise for `W`.

    Output shape:
        `(B, H, W, C)`

    Raises:
        ValueError: If an argument is not positive or the input is not a feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ScaledDepthwiseConv2D(scale=0.5)
    print(layer(np.zeros((1, 24, 32, 8), "float32")).shape)  # (1, 24, 32, 8)
    ```
    """

    def __init__(self, scale, kernel_size=3, min_size=5, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(kernel_size=kernel_size, min_size=min_size)
        if not scale >= 0.001:
            raise ValueError(f"`scale` must be at least 0.001. Received: scale={scale}")
        self.scale = float(scale)
        self.kernel_size = kernel_size
        self.min_size = min_size
        # In integers, so that known and unknown sizes are rounded in the same way.
        self._ratio = fractions.Fraction(self.scale).limit_denominator(1000)

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels, 1),
            initializer="glorot_uniform",
        )

    def call(self, inputs):
        size = ops.shape(inputs)[1:3]
        valid = valid_size(size)
        scaled_size = [self.scaled(n) for n in size]
        scaled_valid = [self.scaled(n) for n in valid]
        there, back = aligned_matrix, averaging_matrix
        if self.scale < 1:
            there, back = back, there
        x = mask_padding(inputs)
        x = resample(x, there, valid, scaled_valid, scaled_size)  # (B, h, w, C)
        x = ops.depthwise_conv(x, self.kernel, padding="same")
        return resample(x, back, scaled_valid, valid, size)  # (B, H, W, C)

    def scaled(self, n):
        """The length of a side of `n` positions at the scale of the convolution."""
        up, down = self._ratio.numerator, self._ratio.denominator
        n = (n * up + down - 1) // down
        if isinstance(n, int):
            return max(n, self.min_size)
        return ops.maximum(n, self.min_size)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "kernel_size": self.kernel_size,
            "min_size": self.min_size,
        }
