import keras
from keras import ops

from keras_seg.layers.resize import resize_bilinear


@keras.saving.register_keras_serializable(package="keras_seg")
class ResizeToMatch(keras.layers.Layer):
    """Resizes one map bilinearly to the height and width of another.

    Call arguments:
        inputs: Tensor to resize.
        reference: Tensor whose height and width are taken.

    Input shape:
        `(B, h, w, C)` and `(B, H, W, ...)`

    Output shape:
        `(B, H, W, C)`

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ResizeToMatch()
    logits, image = np.zeros((1, 3, 4, 7), "float32"), np.zeros((1, 11, 15, 3))
    print(layer(logits, image).shape)  # (1, 11, 15, 7)
    ```
    """

    def call(self, inputs, reference):
        return resize_bilinear(inputs, ops.shape(reference)[1:3])

    def compute_output_shape(self, inputs_shape, reference_shape):
        return (inputs_shape[0], *reference_shape[1:3], inputs_shape[-1])
