import keras
from keras import ops

from keras_seg.layers.normalization import batch_norm


@keras.saving.register_keras_serializable(package="keras_seg")
class ImagePool(keras.layers.Layer):
    """One vector for the whole image: mean, projection, normalisation, activation.

    The normalisation is over the images of a batch. A single image has no spread:
    normalised by itself it would always give the same vector, and moving statistics
    without spread would blow up what inference sees. So a batch of one is normalised
    with the moving statistics, and leaves them as they are (ours).

    Args:
        units: Integer. Number of output channels.
        activation: Activation, as Keras names it.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of features.
        training: Boolean, or `None`. Whether batch statistics are used.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, 1, 1, units)`

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ImagePool(units=6)
    print(layer(np.zeros((2, 3, 4, 8), "float32")).shape)  # (2, 1, 1, 6)
    ```
    """

    def __init__(self, units, activation="gelu", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        kwargs = {"dtype": self.dtype_policy}
        self.projection = keras.layers.Conv2D(
            self.units, 1, use_bias=False, name="projection", **kwargs
        )
        self.norm = batch_norm("norm", **kwargs)
        self.projection.build((input_shape[0], 1, 1, input_shape[-1]))
        self.norm.build((input_shape[0], 1, 1, self.units))
        self.built = True

    def call(self, inputs, training=None):
        mean = ops.mean(inputs, axis=(1, 2), keepdims=True)  # (B, 1, 1, C)
        return self.activation(self._normalize(self.projection(mean), training))

    def _normalize(self, x, training):
        batch = ops.shape(x)[0]
        if not training or isinstance(batch, int):
            return self.norm(x, training=training and batch > 1)
        # TensorFlow may learn the size of the batch only when the graph runs.
        alone = self.norm(x, training=False)
        statistics = self.norm.non_trainable_variables
        before = [ops.copy(variable) for variable in statistics]
        together = self.norm(x, training=True)
        for variable, old in zip(statistics, before, strict=True):
            new = ops.convert_to_tensor(variable)
            variable.assign(ops.where(batch > 1, new, old))
        return ops.where(batch > 1, together, alone)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1, 1, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }
