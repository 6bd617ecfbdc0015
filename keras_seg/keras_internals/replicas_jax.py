"""Data-parallel training on JAX, with `keras.distribution`."""

import contextlib
import os

import keras
import numpy as np

from keras_seg.keras_internals.replicas import Replicas

ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
FORCE_DEVICES = "xla_force_host_platform_device_count"


class JAXReplicas(Replicas):
    """All devices of JAX, in one process or several.

    A step has the joint batch, so that losses, normalisation and metrics need nothing.
    Several processes are described by the variables of `keras.distribution.initialize`,
    such as `KERAS_DISTRIBUTION_JOB_ADDRESSES`.

    Args:
        count: Integer number of devices, or `None` for all.

    Raises:
        ValueError: If there are fewer devices, or fewer are asked for in several
            processes.
    """

    def __init__(self, count=None):
        import jax

        if ADDRESSES in os.environ and not jax.distributed.is_initialized():
            keras.distribution.initialize()
        elif count is not None:
            _make_cpu_devices(count)
        self.processes, self.process = jax.process_count(), jax.process_index()
        devices = keras.distribution.list_devices()
        self.count = len(devices) if count is None else count
        if self.count > len(devices):
            raise ValueError(
                f"{self.count} devices were asked for, JAX has {len(devices)}: "
                f"{', '.join(devices)}. To try a training on a CPU, set XLA_FLAGS="
                f"--{FORCE_DEVICES}={self.count} before the start."
            )
        if self.processes > 1 and self.count != len(devices):
            raise ValueError(
                f"{self.processes} processes train on all of their {len(devices)} "
                f"devices. Received: devices={self.count}. Leave it out."
            )
        self._distribution = keras.distribution.DataParallel(
            devices=devices[: self.count], auto_shard_dataset=False
        )

    def scope(self):
        return self._distribution.scope()

    def broadcast(self, arrays):
        from jax.experimental import multihost_utils

        values = multihost_utils.broadcast_one_to_all(list(arrays))
        return [np.asarray(value) for value in values]

    def close(self):
        import jax

        if self.processes > 1:
            jax.distributed.shutdown()


def _make_cpu_devices(count):
    """Lets a CPU have so many virtual devices, if JAX has not started yet."""
    import jax

    if FORCE_DEVICES not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", count)
