"""Starts the processes that torch needs for several devices."""

import os
import subprocess
import sys

import keras

from keras_seg.keras_internals.open_replicas import is_one_of_many_processes


def launch_processes(count):
    """Starts the command of this process again, once per device, with torchrun.

    Only torch needs a process per device, and only if torchrun has not started this
    one already.

    Args:
        count: Integer number of devices, or `None`.

    Returns:
        Integer, the exit status of the processes; `None` if no process was needed.
    """
    if keras.config.backend() != "torch" or count in (None, 1):
        return None
    if is_one_of_many_processes():
        return None
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(count), *_this_command()]
    environment = {"OMP_NUM_THREADS": str(max(1, os.cpu_count() // count))}
    return subprocess.run(command, env={**environment, **os.environ}).returncode


def _this_command():
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None:
        return ["--module", spec.name, *sys.argv[1:]]
    return [os.path.abspath(sys.argv[0]), *sys.argv[1:]]
