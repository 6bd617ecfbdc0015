"""SECURITY.md promises what tests hold."""

import re

import pytest
from project_paths import ROOT

pytestmark = pytest.mark.no_backend


def test_each_promise_names_tests_that_exist():
    text = (ROOT / "SECURITY.md").read_text()
    promises = [part for part in re.split(r"\n(?=- )", text) if part.startswith("- ")]
    files = {p.stem: p.read_text() for p in (ROOT / "tests").rglob("test_*.py")}
    tests = set(re.findall(r"^def (test_\w+)", "\n".join(files.values()), re.MULTILINE))
    assert len(promises) > 10
    for promise in promises:
        named = re.findall(r"<!--(.*?)-->", promise, re.DOTALL)
        assert named, f"names no test: {promise}"
        for name in re.findall(r"test_\w+", named[0]):
            assert name in files or name in tests, f"there is no {name}"
