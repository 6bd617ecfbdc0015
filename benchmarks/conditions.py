"""Where and how a benchmark ran: the head of its results and the name of the file."""

import datetime
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys

RESULTS = pathlib.Path(__file__).parent / "results"


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


def result_path(folder, benchmark, header, *words):
    """The file of a benchmark, called after the conditions that matter most."""
    machine = header["accelerator"]
    if machine == "none":
        machine = header["processor"]
    words = [
        header["backend"].replace(" ", "-").rsplit(".", 1)[0],
        re.sub(r"[^\w]+", "", machine),
        *words,
    ]
    path = pathlib.Path(folder) / f"{benchmark}-{'-'.join(words)}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_report(path, title, header, text):
    """Writes and prints a report: the conditions, then the text."""
    facts = "".join(f"- {key}: {value}\n" for key, value in header.items())
    report = f"# {title}\n\n{facts}\n{text}\n"
    path.write_text(report)
    print(f"\n{report}\n{path}")
