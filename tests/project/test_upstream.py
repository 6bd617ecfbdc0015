"""The defects of docs/upstream.md are still there.

A test that fails here is good news: take out the workaround and the entry of the page.
"""

import re

import pytest
from project_paths import ROOT

PAGE = (ROOT / "docs" / "upstream.md").read_text()
DEFECTS = PAGE.split("## Defects that are worked around", 1)[1]
SECTION = re.compile(r"^### (.+?)\n(.*?)(?=^### |\Z)", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"(<!-- needs: .*? -->\n)?```python\n(.*?)```", re.DOTALL)


def defects():
    for title, text in SECTION.findall(DEFECTS):
        needs, code = FENCE.search(text).groups()
        if not needs:
            yield pytest.param(code, id=title.replace(" ", "_"))


@pytest.mark.parametrize("code", defects())
def test_a_defect_is_still_there(code):
    names = {"__name__": "upstream"}
    exec(compile(code, "upstream.md", "exec"), names)
    assert names["seen"] is not False, "fixed: see the docstring of this file"


@pytest.mark.no_backend
def test_each_defect_of_the_table_has_an_example_and_its_workaround_exists():
    rows = re.findall(r"^\| (Keras|keras-hub|tf2onnx) \| .* \|$", DEFECTS, re.MULTILINE)
    titles = [title.split(":")[0] for title, _ in SECTION.findall(DEFECTS)]
    assert rows == titles
