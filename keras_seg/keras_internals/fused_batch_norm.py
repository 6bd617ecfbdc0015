"""Batch normalisation as one operation of TensorFlow.

Keras computes it there from moments, products and sums. Each is a pass over the whole
map, and so is each of their gradients: three to five times as many as the operation
that TensorFlow has for it. In inference, TensorFlow also joins that operation with the
convolution before it. On JAX, XLA joins the parts by itself; for torch see
`folded_norm`.
"""

import keras
from keras import ops

from keras_seg.keras_internals.folded_norm import are_norms_separate


def can_fuse(layer, inputs, mask=None):
    """Whether `fused_batch_norm` can stand for the call of a layer.

    Args:
        layer: Built `keras.layers.BatchNormalization`.
        inputs: Tensor.
        mask: Argument of the call.
    """
    return (
        type(layer) is keras.layers.BatchNormalization
        and mask is None
        and not are_norms_separate()
        and len(inputs.shape) == 4
        and layer.axis in (-1, 3)
        and keras.backend.standardize_dtype(inputs.dtype) != "float64"
        and not layer.renorm
        and not layer.synchronized
        # The moments of several replicas are those of the joint batch.
        and "_moments" not in vars(layer)
    )


def fused_batch_norm(layer, inputs, training=None):
    """Batch normalisation, with the same results and updates as the call of the layer.

    Args:
        layer: Layer for which `can_fuse` is true.
        inputs: Tensor of shape `(B, H, W, C)`.
        training: Boolean or `None`.

    Returns:
        Tensor of shape `(B, H, W, C)`.
    """
    import tensorflow as tf

    x = ops.cast(inputs, "float32")
    mean = ops.convert_to_tensor(layer.moving_mean, "float32")  # (C,)
    variance = ops.convert_to_tensor(layer.moving_variance, "float32")
    scale = ops.cast(layer.gamma, "float32") if layer.scale else ops.ones_like(mean)
    offset = ops.cast(layer.beta, "float32") if layer.center else ops.zeros_like(mean)
    of_batch = bool(training and layer.trainable)
    y, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=layer.epsilon,
        is_training=of_batch,
    )
    if of_batch:
        # TensorFlow divides by N - 1, Keras by N.
        count = ops.cast(ops.prod(ops.shape(x)[:3]), "float32")
        batch_variance = batch_variance * (ops.maximum(count - 1, 1) / count)
        momentum = layer.momentum
        layer.moving_mean.assign(mean * momentum + batch_mean * (1 - momentum))
        layer.moving_variance.assign(
            variance * momentum + batch_variance * (1 - momentum)
        )
    return ops.cast(y, layer.compute_dtype)
