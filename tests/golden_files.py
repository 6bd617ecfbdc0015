"""Where files with known numbers lie."""

import pathlib

GOLDEN = pathlib.Path(__file__).parent / "golden"
