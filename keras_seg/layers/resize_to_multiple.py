import fractions

import keras
from keras import ops

from keras_seg.layers.resize import resize_bilinear


@keras.saving.register_keras_serializable(package="keras_seg")
class ResizeToMultiple(keras.layers.Layer):
    """Enlarges images bilinearly to sizes that the strides of a network divide.

    Enlarging lets thin things survive the strides. Sizes that are a multiple of the
    coarsest stride keep the levels of a pyramid aligned, and an image of a single
    pixel alive.

    Args:
        scale: Float, at least 1, to three decimals.
        multiple: Integer. Sizes are rounded up to a multiple of it.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, ceil(int(H * scale) / multiple) * multiple, ..., C)`, likewise for `W`.

    Raises:
        ValueError: If `scale` or `multiple` is below 1.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ResizeToMultiple(1.5, multiple=8)
    print(layer(np.zeros((1, 5, 16, 3), "float32")).shape)  # (1, 8, 24, 3)
    ```
    """

    def __init__(self, scale=1.0, multiple=1, **kwargs):
        super().__init__(**kwargs)
        if scale < 1 or multiple < 1:
            raise ValueError(
                "`scale` and `multiple` must be at least 1. Received: "
                f"scale={scale}, multiple={multiple}. Shrink images in the data "
                "pipeline instead, with antialiasing."
            )
        self.scale = float(scale)
        self.multiple = int(multiple)
        # In whole numbers, so that sizes known and unknown are rounded alike.
        self._ratio = fractions.Fraction(self.scale).limit_denominator(1000)

    def call(self, inputs):
        size = ops.shape(inputs)[1:3]
        return resize_bilinear(inputs, [self.enlarged(n) for n in size])

    def largest_size(self, n):
        """The largest side that is enlarged to the same side as `n`."""
        up, down = self._ratio.numerator, self._ratio.denominator
        # The largest m with m * up // down at most the new side.
        return ((self.enlarged(n) + 1) * down - 1) // up

    def enlarged(self, n):
        """The new length of a side of `n` pixels."""
        n = n * self._ratio.numerator // self._ratio.denominator
        return (n + self.multiple - 1) // self.multiple * self.multiple

    def compute_output_shape(self, input_shape):
        height, width = (
            None if n is None else self.enlarged(n) for n in input_shape[1:3]
        )
        return (input_shape[0], height, width, input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "multiple": self.multiple,
        }
