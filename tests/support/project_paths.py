"""Folders and subpackages that tests read, wherever the test itself lies."""

from pathlib import Path

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").is_file())
TESTS = ROOT / "tests"
GOLDEN = TESTS / "golden"
EXAMPLES = ROOT / "examples"
BENCHMARKS = ROOT / "benchmarks"
SUBPACKAGES = [
    "backbones",
    "conversion",
    "data",
    "export",
    "inference",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "presets",
    "training",
    "visualization",
]
