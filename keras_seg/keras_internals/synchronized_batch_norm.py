"""Batch normalisation with the statistics of the joint batch of all replicas."""

import contextlib

import keras
from keras import ops

from keras_seg.keras_internals.layer_graph import sublayers
from keras_seg.keras_internals.replica_sum import replica_count, replica_sum


@contextlib.contextmanager
def synchronized_batch_norm(model):
    """Makes the normalisation layers of a model use the joint batch of all replicas.

    Keras has `BatchNormalization(synchronized=True)`, on TensorFlow alone; it is part
    of the config, and a model saved with it cannot be used on the other backends. So
    the function that computes mean and variance is replaced, and put back at the end.
    Seen to work with Keras 3.15.1.

    Args:
        model: Built model.

    Raises:
        ValueError: If a layer normalises with a mask.
    """
    layers = [
        layer
        for layer in sublayers(model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer in layers:
        layer._moments = _JointMoments(layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer._moments


def joint_replicas(layer):
    """The number of replicas whose images the batch statistics of a layer are of.

    Each replica has a part of the same size of the joint batch.

    Args:
        layer: `keras.layers.BatchNormalization`.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.synchronized_batch_norm import joint_replicas

    print(joint_replicas(keras.layers.BatchNormalization()))  # 1
    ```
    """
    joint = isinstance(vars(layer).get("_moments"), _JointMoments)
    return replica_count() if joint else 1


class _JointMoments:
    """Mean and variance over the joint batch, from one sum over the replicas."""

    def __init__(self, layer):
        self.axes = layer._reduction_axes
        self.shift = layer.moving_mean

    def __call__(self, inputs, mask):
        if mask is not None:
            raise ValueError(
                "BatchNormalization with a mask cannot be synchronized over several "
                "devices. Train on one device, or on several with JAX."
            )
        mean, variance = ops.moments(inputs, axes=self.axes)
        replicas = replica_count()
        if replicas == 1:
            return mean, variance
        # Close to the mean after some steps: squares of small numbers lose no digits.
        shift = ops.stop_gradient(ops.cast(self.shift, mean.dtype))
        first = mean - shift
        second = variance + ops.square(first)
        joint = replica_sum(ops.stack([first, second])) / replicas  # (2, C)
        first, second = joint[0], joint[1]
        variance = ops.maximum(second - ops.square(first), 0.0)
        return first + shift, variance
