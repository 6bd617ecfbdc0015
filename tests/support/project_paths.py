"""Folders and subpackages that tests read, wherever the test itself lies."""

from pathlib import Path

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").is_file())
TESTS = ROOT / "tests"
GOLDEN = TESTS / "golden"
EXAMPLES = ROOT / "examples"
BENCHMARKS = ROOT / "benchmarks"
# But for the room of Keras's internals, and `cli`, a former name.
SUBPACKAGES = sorted(
    {path.parent.name for path in (ROOT / "keras_seg").glob("*/__init__.py")}
    - {"keras_internals", "cli"}
)
