"""The one place of the package that speaks to a backend itself.

Keras has no reduction over replicas outside its optimizers.
"""

import keras


def replica_sum(x):
    """Sums a tensor over the replicas of data-parallel training.

    On TensorFlow these are the replicas of a `tf.distribute` strategy, on torch the
    processes of the default process group, as with `DistributedDataParallel`. On JAX,
    with `keras.distribution`, a step sees the global batch: there is nothing to add.
    Without replicas the tensor is returned as it is. No gradient flows through the
    sum.

    Args:
        x: Tensor, of the same shape on all replicas.

    Returns:
        Tensor, the same on all replicas.
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
