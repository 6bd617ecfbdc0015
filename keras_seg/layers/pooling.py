"""Pooling of feature maps: over a grid of cells, or over the whole image."""

from typing import Any

import keras
from keras import ops

from keras_seg.keras_internals.synchronized_batch_norm import joint_replicas
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    batch_norm,
    check_feature_map,
    check_positive,
)
from keras_seg.layers.resampling import averaging_matrix, resample
from keras_seg.layers.valid_region import (
    mask_padding,
    mean_over_positions,
    valid_size,
)


def adaptive_average_pool(x, sizes) -> Any:
    """Averages maps over grids of `n` x `n` cells, for several `n`.

    Cell `i` of `n` along an axis of length `L` covers the positions from
    `floor(i * L / n)` to `ceil((i + 1) * L / n)`, as adaptive pooling does in the
    published methods. It is computed as a product with averaging matrices, so that it
    works for every height and width, also unknown ones.

    Args:
        x: Tensor of shape `(B, H, W, K)`.
        sizes: List of integers. Numbers of cells along a side.

    Returns:
        Tensor of shape `(B, sum(n * n for n in sizes), K)`: the cells of each grid
        row by row, grids in the order of `sizes`.

    Example:

    ```python
    import numpy as np
    import keras_seg

    maps = np.random.normal(size=(1, 5, 7, 3)).astype("float32")
    print(keras_seg.layers.adaptive_average_pool(maps, [1, 2]).shape)  # (1, 5, 3)
    ```
    """
    x = mask_padding(ops.convert_to_tensor(x))
    valid = valid_size(ops.shape(x)[1:3])
    pooled = []
    for n in sizes:
        cells = resample(x, averaging_matrix, valid, (n, n), (n, n))  # (B, n, n, K)
        pooled.append(ops.reshape(cells, (-1, n * n, x.shape[-1])))  # (B, n * n, K)
    return ops.concatenate(pooled, axis=1)


@keras.saving.register_keras_serializable(package="keras_seg")
class ImagePool(CompositeLayer):
    """Pools a feature map into one vector: mean, projection, normalisation, activation.

    The normalisation is over the images of a batch. The batch statistics of a single
    image have no variance: its normalised vector would always be the same, and its
    moving statistics would be of no use in inference. A batch of one image is therefore
    normalised with the moving statistics and does not update them (ours). In training
    on several devices the batch is the joint one, also with one image on each device.

    Args:
        units: Integer. Number of output channels.
        activation: Activation, see `keras.activations.get`.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of features.
        training: Boolean, or `None`. Whether batch statistics are used.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, 1, 1, units)`

    Raises:
        ValueError: If `units` is not a positive integer or the input is not a feature
            map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ImagePool(units=6)
    print(layer(np.zeros((2, 3, 4, 8), "float32")).shape)  # (2, 1, 1, 6)
    ```
    """

    def __init__(self, units, activation="gelu", **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(units=units)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        kwargs, pixel = {"dtype": self.dtype_policy}, (input_shape[0], 1, 1)
        self.add_sublayer(
            keras.layers.Conv2D(
                self.units, 1, use_bias=False, name="projection", **kwargs
            ),
            (*pixel, channels),
        )
        self.add_sublayer(batch_norm("norm", **kwargs), (*pixel, self.units))

    def call(self, inputs, training=None):
        mean = mean_over_positions(inputs, keepdims=True)  # (B, 1, 1, C)
        return self.activation(self._normalize(self.projection(mean), training))

    def _normalize(self, x, training):
        if training and joint_replicas(self.norm) > 1:  # each has at least one image
            return self.norm(x, training=True)
        batch = ops.shape(x)[0]
        if not training or isinstance(batch, int):
            return self.norm(x, training=training and batch > 1)
        # In a TensorFlow graph the batch size may be known only at run time.
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
