"""The loss of one replica, weighted for the mean over all replicas."""

import keras
from keras import ops

from keras_seg.keras_internals.replica_sum import joint_denominator, replica_count
from keras_seg.models.compile_checks import loss_ignores


def joint_loss(value, loss, labels, ignore_class):
    """Weights the loss of a replica by its share of the valid pixels.

    Losses of label maps are means over the valid pixels. The mean over the replicas of
    such means is the mean over the joint batch only if each counts as many times as it
    has valid pixels. Losses with the attribute `is_joint` count the joint batch
    themselves.

    Args:
        value: Scalar, the value of the loss on this replica.
        loss: The loss, as given to `compile`.
        labels: Integer tensor `(B, H, W)` or `(B, H, W, 1)`, or `None`.
        ignore_class: Integer. The void label of the model.

    Returns:
        Scalar; without replicas `value` itself.
    """
    if replica_count() == 1 or labels is None or getattr(loss, "is_joint", False):
        return value
    valid = ops.ones_like(labels, dtype="float32")
    if loss_ignores(loss, ignore_class):
        valid = ops.cast(ops.not_equal(labels, ignore_class), "float32")
    count = ops.sum(valid)
    share = count / joint_denominator(count)
    return value * keras.ops.cast(share, value.dtype)
