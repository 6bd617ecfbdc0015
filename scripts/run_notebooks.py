"""Runs the notebooks of examples/notebooks from top to bottom, for `make notebooks`.

    python scripts/run_notebooks.py --backends tensorflow jax torch
    python scripts/run_notebooks.py fine_tune --backends jax

The first notebook runs on the first backend, the second on the second, and so on. Each
becomes an executed `NAME.ipynb` and a page `NAME.html` in the folder of the output. If
one fails the others run nevertheless; `NAME.failed.ipynb` shows where.
"""

import argparse
import itertools
import os
import pathlib
import sys
import time

import jupytext
import nbclient
import nbconvert
import nbformat

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = ROOT / "examples" / "notebooks"
CELL_SECONDS = 900


def main():
    args = parse_arguments()
    output = pathlib.Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    failed = []
    backends = itertools.cycle(args.backends)
    for name, backend in zip(args.names, backends, strict=False):
        print(f"{name} on {backend}", end=" ", flush=True)
        start = time.perf_counter()
        error = run(name, backend, output)
        print(f"{time.perf_counter() - start:.0f} s{', FAILED' if error else ''}")
        if error:
            failed.append(name)
            print(error, file=sys.stderr)
    print(
        f"{len(args.names) - len(failed)} of {len(args.names)} notebooks, in {output}"
    )
    return 1 if failed else 0


def parse_arguments():
    known = sorted(path.stem for path in NOTEBOOKS.glob("*.py"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "names", nargs="*", default=known, help=f"of {', '.join(known)}; all by default"
    )
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--output", default=ROOT / "build" / "notebooks")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(known))
    if unknown:
        parser.error(f"unknown notebooks {unknown}, expected some of {known}")
    return args


def run(name, backend, output):
    """Executes one notebook and writes its files.

    Returns:
        The error of the first cell that failed, or `None`.
    """
    notebook = jupytext.read(NOTEBOOKS / f"{name}.py", fmt="py:percent")
    for path in output.glob(f"{name}.*"):
        path.unlink()
    client = nbclient.NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        client.execute(env=environment)
    except nbclient.exceptions.CellExecutionError as error:
        nbformat.write(notebook, output / f"{name}.failed.ipynb")
        return error
    nbformat.write(notebook, output / f"{name}.ipynb")
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    (output / f"{name}.html").write_text(page, encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())
