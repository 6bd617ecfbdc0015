"""The notebooks are sound Python and listed. `make notebooks` runs them."""

import ast
import re

import pytest
from project_paths import ROOT

pytestmark = pytest.mark.no_backend

NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.py"))
CELL = re.compile(r"^# %%(.*)\n", re.MULTILINE)
TAGS = re.compile(r'^# %% tags=\["(\w+)"\]$', re.MULTILINE)


def cells_of(path):
    """Pairs of the rest of the line that starts a cell, and its text."""
    first, *parts = CELL.split(path.read_text())
    assert not first, f"{path.name} begins with a cell"
    return list(zip(parts[::2], parts[1::2], strict=True))


def attributes(tree):
    """Names such as `keras_seg.data.read_image`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = ast.unparse(node)
            if re.fullmatch(r"(keras_seg|data)(\.\w+)+", name):
                yield name.removeprefix("keras_seg.")


def test_there_are_four():
    assert len(NOTEBOOKS) == 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_cell_parses(path):
    cells = cells_of(path)
    kind, title = cells[0]
    assert kind == " [markdown]" and title.startswith("# # ")
    for kind, text in cells:
        if kind == " [markdown]":
            lines = text.rstrip().splitlines()
            assert all(line.startswith("#") for line in lines if line)
        else:
            ast.parse(text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_code_chooses_the_backend(path):
    _, code = next(cell for cell in cells_of(path) if "markdown" not in cell[0])
    chosen = code.index('os.environ.setdefault("KERAS_BACKEND", "tensorflow")')
    assert chosen < code.index("import keras")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_names_of_the_package_exist(path):
    import keras_seg

    names = set(attributes(ast.parse(path.read_text())))
    assert names
    for name in names:
        thing = keras_seg
        for part in name.split("."):
            thing = getattr(thing, part)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_lists_it(path):
    page = (ROOT / "docs" / "notebooks.md").read_text()
    assert f"](../examples/notebooks/{path.name})" in page


def test_figures_of_the_pages_come_from_a_notebook():
    tags = {tag for path in NOTEBOOKS for tag in TAGS.findall(path.read_text())}
    files = sorted((ROOT / "docs" / "methods").glob("*.png"))
    assert {path.stem for path in files} == tags
    pages = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    for path in files:
        assert path.stat().st_size < 150_000
        assert f"{path.name})" in pages
