"""How far the heads are from the published code, output by output.

    python benchmarks/golden_parity.py --backends tensorflow jax torch \
        --output benchmarks/results/golden_parity.md

Each backend runs in a process of its own; without `--backends` the current one runs.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]


def measure():
    """The differences on the current backend, as `{file: {output: difference}}`."""
    import importlib.metadata

    import golden_cpt
    import golden_ecenet
    import keras
    import numpy as np

    pairs = {
        name: golden_ecenet.golden_pairs(name, query_activation)
        for name, query_activation in golden_ecenet.QUERY_ACTIVATIONS.items()
    }
    pairs |= {name: golden_cpt.golden_pairs(name) for name in golden_cpt.SOURCES}
    differences = {
        name: {
            key: float(np.abs(actual - expected).max())
            for key, (actual, expected) in outputs.items()
        }
        for name, outputs in pairs.items()
    }
    backend = keras.config.backend()
    return {
        "versions": f"{backend} {importlib.metadata.version(backend)}",
        "keras": keras.__version__,
        "differences": differences,
    }


def table(runs):
    """Markdown with one column per backend."""
    titles = [run["versions"] for run in runs]
    lines = [
        "# Golden parity of the heads",
        "",
        "Greatest absolute difference between an output of `ECENetHead` or `CPTHead` "
        "and that",
        "of the published code, for the same weights and inputs, float32 on a CPU. "
        "At most",
        "1e-4 is asked for.",
        f"keras {runs[0]['keras']}; `python benchmarks/golden_parity.py --backends "
        "tensorflow jax torch`.",
    ]
    for name in runs[0]["differences"]:
        lines += ["", f"## `{name}`", "", f"| output | {' | '.join(titles)} |"]
        lines.append("|---" * (len(runs) + 1) + "|")
        columns = [run["differences"][name] for run in runs]
        for key in columns[0]:
            cells = " | ".join(f"{column[key]:.1e}" for column in columns)
            lines.append(f"| {key} | {cells} |")
        cells = " | ".join(f"**{max(column.values()):.1e}**" for column in columns)
        lines.append(f"| **greatest of {len(columns[0])}** | {cells} |")
    return "\n".join(lines) + "\n"


def measure_on(backend):
    result = subprocess.run(
        [sys.executable, __file__, "--json"],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", metavar="NAME")
    parser.add_argument("--output", type=pathlib.Path, help="Markdown file to write")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measure()))
        return
    backends = options.backends
    runs = [measure_on(name) for name in backends] if backends else [measure()]
    text = table(runs)
    print(text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text)


if __name__ == "__main__":
    main()
