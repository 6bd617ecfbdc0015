"""Runs small reproductions of users' reports on every backend and counts the verdicts.

    python scripts/user_cases.py CASES --backends tensorflow jax torch

CASES is a folder of programs. Each runs in a process of its own, in that folder, and
prints lines that begin with PASS or FAIL. The exit status is 1 if
a program fails, prints no verdict, or takes too long.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import sys
import tempfile

# Helpers, programs without a verdict, and the second half of another program.
NOT_CASES = {"common.py", "harness.py", "jax_sizes.py", "silent.py"}
LAST = ("W2b_fresh_process.py", "W7_other_backend.py")  # they read what W2 wrote


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("cases", type=pathlib.Path, help="folder of programs")
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--only", nargs="+", default=[""], help="beginnings of names")
    parser.add_argument("--timeout", type=float, default=600, help="seconds a program")
    options = parser.parse_args(arguments)
    programs = [
        path
        for path in sorted(
            options.cases.glob("*.py"), key=lambda p: (p.name in LAST, p)
        )
        if path.name not in NOT_CASES and path.name.startswith(tuple(options.only))
    ]
    total = collections.Counter()
    with tempfile.TemporaryDirectory() as saved:
        for program in programs:
            for backend in options.backends:
                words, lines = run(program, backend, saved, options.timeout)
                total.update(words)
                print(f"{program.name:36} {backend:10} {' '.join(sorted(words))}")
                for line in lines:
                    print(f"    {line}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in sorted(total.items())))
    return int(set(total) != {"PASS"})


def run(program, backend, saved, timeout):
    """The verdicts of one program, and the lines that are not PASS."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SAVE_TO": saved,
    }
    try:
        done = subprocess.run(
            [sys.executable, str(program.absolute())],
            cwd=program.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return {"TIMEOUT"}, []
    lines = done.stdout.splitlines()
    words = {line.split()[0] for line in lines if line.startswith(("PASS", "FAIL"))}
    wrong = [line for line in lines if line.startswith("FAIL")]
    if done.returncode or not words:
        words.add("ERROR")
        wrong += done.stderr.splitlines()[-1:]
    return words, wrong


if __name__ == "__main__":
    sys.exit(main())
