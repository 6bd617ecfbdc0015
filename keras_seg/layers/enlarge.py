import keras
from keras import ops

from keras_seg.layers.resize import resize_bilinear


@keras.saving.register_keras_serializable(package="keras_seg")
class Enlarge(keras.layers.Layer):
    """Enlarges images bilinearly by a factor, so that thin things survive strides.

    Args:
        scale: Float, at least 1. Sizes are rounded down.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, int(H * scale), int(W * scale), C)`

    Raises:
        ValueError: If `scale` is below 1.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.Enlarge(1.5)
    print(layer(np.zeros((1, 5, 8, 3), "float32")).shape)  # (1, 7, 12, 3)
    ```
    """

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        if scale < 1:
            raise ValueError(
                f"`scale` must be at least 1. Received: {scale}. Shrink images in "
                "the data pipeline instead, with antialiasing."
            )
        self.scale = float(scale)

    def call(self, inputs):
        if self.scale == 1:
            return inputs
        size = [
            int(n * self.scale)
            if isinstance(n, int)
            else ops.cast(ops.cast(n, "float32") * self.scale, "int32")
            for n in ops.shape(inputs)[1:3]
        ]
        return resize_bilinear(inputs, size)

    def compute_output_shape(self, input_shape):
        height, width = (
            None if n is None else int(n * self.scale) for n in input_shape[1:3]
        )
        return (input_shape[0], height, width, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
