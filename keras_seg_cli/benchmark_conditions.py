"""What the numbers of a benchmark depend on."""

import datetime
import importlib.metadata
import os
import pathlib
import re
import resource
import subprocess
import sys


def conditions(device, runtime=None):
    """What the numbers of this process depend on.

    Args:
        device: String, as the backend calls where it computed.
        runtime: String or `None`. The package of the runtime of an exported file, if
            it was not Keras that computed.
    """
    version = importlib.metadata.version
    backend = runtime or os.environ.get("KERAS_BACKEND", "tensorflow")
    keras = {"keras": version("keras"), "keras_hub": version("keras-hub")}
    return {
        "backend": f"{backend} {version(backend)}",
        **({} if runtime else keras),
        "python": sys.version.split()[0],
        "device": device,
        "processor": f"{os.cpu_count()} x {processor()}",
        "accelerator": accelerator(device),
        "processors": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": ", ".join(
            f"{key}={value}" for key, value in os.environ.items() if "THREADS" in key
        )
        or "defaults",
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "load_average_at_the_end": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.date.today().isoformat(),
    }


def device_of_backend():
    import keras

    return str(keras.ops.convert_to_tensor(0.0).device)


def processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return re.search(r"model name\s*:\s*(.+)", text)[1].strip()
    except (OSError, TypeError):
        return "processor"


def accelerator(device):
    """The name of the graphics processor, if it was one that computed."""
    if "cpu" in device.lower():
        return "none"
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        names = subprocess.run(command, capture_output=True, text=True).stdout
    except OSError:
        return device
    return names.strip().split("\n")[0] or device


def peak_megabytes():
    """The most memory this process has held so far."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000
    except (OSError, TypeError):  # not Linux
        unit = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def use_processors(count):
    """Limits this process to a number of processors, for libraries that read no limit.

    Args:
        count: Integer, or `None` for no limit.
    """
    if count and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
