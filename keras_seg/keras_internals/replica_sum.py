"""The sum of a tensor over the replicas of data-parallel training."""

import keras


def replica_sum(x):
    """Sums a tensor over the replicas of data-parallel training.

    On TensorFlow these are the replicas of a `tf.distribute` strategy, on torch the
    processes of the default process group, as with `DistributedDataParallel`. On JAX,
    with `keras.distribution`, a step has the global batch and nothing must be summed.
    Without replicas the tensor is returned unchanged. The sum has no gradient.

    Keras reduces over replicas in its optimizers and metrics only, so the function
    calls the backends. Seen to work with Keras 3.15.1, TensorFlow 2.21 and torch 2.13.

    Args:
        x: Tensor of the same shape on all replicas.

    Returns:
        Tensor, equal on all replicas.
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, x)
    elif backend == "torch":
        from torch import distributed

        if distributed.is_available() and distributed.is_initialized():
            x = x.detach().clone()
            distributed.all_reduce(x)
    return x
