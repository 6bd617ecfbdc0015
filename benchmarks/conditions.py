"""Where a benchmark writes its results, and the head of them."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from keras_seg_cli.benchmark_conditions import conditions, device_of_backend

__all__ = [
    "RESULTS",
    "conditions",
    "device_of_backend",
    "result_path",
    "write_report",
]

RESULTS = pathlib.Path(__file__).resolve().parent / "results"


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
