"""The page in web/ computes what this package does, for the cases in its fixtures."""

import importlib.util
import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2] / "web" / "tests"
pytestmark = pytest.mark.no_backend


def test_fixtures_of_the_page_are_those_of_this_code():
    spec = importlib.util.spec_from_file_location("web", TESTS / "make_fixtures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    known = json.loads(module.PATH.read_text("utf-8"))
    assert json.loads(json.dumps(module.fixtures())) == known, (
        "Run `python web/tests/make_fixtures.py`, then `make web-test`."
    )
