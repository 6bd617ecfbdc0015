"""The table of docs/export.md is the one that the script made, and it is green."""

import importlib.util
import json

import pytest
from project_paths import ROOT

pytestmark = pytest.mark.no_backend


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts" / "export_table.py"
    spec = importlib.util.spec_from_file_location("export_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_rows_that_were_made(script):
    rows = json.loads((ROOT / "docs" / "export.json").read_text())
    assert rows and set(rows) <= set(script.MODELS)
    assert script.table(rows) in (ROOT / "docs" / "export.md").read_text()
    for row in rows.values():
        assert all(entry["different_labels"] == 0 for entry in row["formats"].values())


def test_an_error_stays_in_one_cell(script):
    assert "|" not in script.cell("a | b" * 100)
    assert len(script.cell("a | b" * 100)) < 140
