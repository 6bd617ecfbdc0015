"""What the numbers of a benchmark depend on."""

import datetime
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys


def conditions(device):
    """What the numbers of this process depend on.

    Args:
        device: String, as the backend calls where it computed.
    """
    version = importlib.metadata.version
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return {
        "backend": f"{backend} {version(backend)}",
        "keras": version("keras"),
        "keras_hub": version("keras-hub"),
        "python": sys.version.split()[0],
        "device": device,
        "processor": f"{os.cpu_count()} x {processor()}",
        "accelerator": accelerator(device),
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
