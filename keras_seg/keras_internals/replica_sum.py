"""Sums over the replicas of data-parallel training, with gradients.

A step of data-parallel training gives each replica a part of the batch, and averages
the gradients of the replicas. On TensorFlow the replicas are those of a `tf.distribute`
strategy, on torch the processes of the default process group. On JAX, with
`keras.distribution`, a step has the joint batch, and there is nothing to sum.

Keras reduces over replicas in its optimizers and metrics only, so this module calls the
backends. Seen to work with Keras 3.15.1, TensorFlow 2.21 and torch 2.13.
"""

import functools

import keras
from keras import ops


def replica_count():
    """The number of replicas of the step that is running; 1 outside such a step."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        return 1 if replica is None else replica.num_replicas_in_sync
    if backend == "torch":
        from torch import distributed

        if distributed.is_available() and distributed.is_initialized():
            return distributed.get_world_size()
    return 1


def replica_sum(x):
    """Sums a tensor over the replicas of data-parallel training.

    Where the loss of a replica depends on the sum, the mean over the replicas of their
    gradients is the gradient of the mean of their losses. Without replicas the tensor
    is returned unchanged.

    Args:
        x: Float tensor of the same shape on all replicas.

    Returns:
        Tensor, equal on all replicas.
    """
    if replica_count() == 1:
        return x
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, x)
    if x.device.type == "meta":  # Keras infers shapes with tensors that have no values
        return x
    return _torch_sum()(x)


def joint_denominator(count, minimum=1.0):
    """The denominator of a mean over the joint batch, for the part of one replica.

    A replica that divides its own sum by it has a loss whose mean over the replicas is
    the sum over the joint batch divided by its count. (The mean of the means of the
    replicas is another number where counts differ, such as those of valid pixels.)

    Args:
        count: Float scalar, the count of this replica.
        minimum: Float. The count of the joint batch is at least this.

    Returns:
        Float scalar; without replicas the larger one of `count` and `minimum`.
    """
    replicas = replica_count()
    joint = ops.maximum(replica_sum(count), minimum)
    return joint if replicas == 1 else joint / replicas


def scale_for_replicas(loss):
    """Scales a loss that is added to what `compute_loss` of Keras returns.

    On TensorFlow a strategy sums gradients, so Keras divides the losses that it
    computes by the number of replicas, and expects it of all others.
    """
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            return loss / replicas
    return loss


@functools.cache
def _torch_sum():
    import torch

    class ReplicaSum(torch.autograd.Function):
        """`all_reduce`, whose gradient is the sum of the gradients as well."""

        @staticmethod
        def forward(context, x):
            x = x.detach().clone(memory_format=torch.contiguous_format)
            torch.distributed.all_reduce(x)
            return x

        @staticmethod
        def backward(context, gradient):
            gradient = gradient.clone(memory_format=torch.contiguous_format)
            torch.distributed.all_reduce(gradient)
            return gradient

    return ReplicaSum.apply
