"""A benchmark that calls itself in a process of its own."""

import json
import os
import subprocess
import sys


def in_own_process(backend, script, *arguments):
    """The JSON in the last line that a script prints on one backend.

    Ends the benchmark with what the script wrote to stderr if it fails.
    """
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{backend}, {' '.join(arguments)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
