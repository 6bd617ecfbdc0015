"""The engine of the current backend for training on several devices."""

import os

import keras

from keras_seg.keras_internals.replicas import Replicas
from keras_seg.keras_internals.replicas_jax import ADDRESSES, JAXReplicas
from keras_seg.keras_internals.replicas_tensorflow import TensorFlowReplicas
from keras_seg.keras_internals.replicas_torch import TorchReplicas


def is_one_of_many_processes():
    """Whether the environment describes several processes for this backend."""
    variable = {
        "jax": ADDRESSES,
        "tensorflow": "TF_CONFIG",
        "torch": "WORLD_SIZE",
    }.get(keras.config.backend())
    return variable in os.environ


def open_replicas(count=None):
    """Connects to the other devices.

    Args:
        count: Integer number of devices; `None` for one, or for those of all
            processes if the environment describes several.

    Returns:
        `keras_seg.keras_internals.replicas.Replicas`.

    Raises:
        ValueError: If there are not so many, or the backend has no engine for it.
    """
    if count is not None and (isinstance(count, bool) or count < 1):
        raise ValueError(f"`count` must be at least 1. Received: count={count}.")
    if count in (None, 1) and not is_one_of_many_processes():
        return Replicas()
    backend = keras.config.backend()
    if backend == "jax":
        return JAXReplicas(count)
    if backend == "tensorflow":
        return TensorFlowReplicas(count)
    if backend != "torch":
        raise ValueError(
            f"The backend {backend!r} cannot train on several devices. Use jax, "
            "tensorflow or torch."
        )
    if not is_one_of_many_processes():
        raise ValueError(
            f"torch trains on {count} devices in as many processes. Start them with "
            f"torchrun --nproc-per-node {count} SCRIPT, or use the JAX or TensorFlow "
            "backend, which need one process."
        )
    replicas = TorchReplicas()
    if count not in (None, replicas.count):
        raise ValueError(
            f"torchrun has started {replicas.count} processes. Received: {count} "
            "devices. Leave the number out."
        )
    return replicas
