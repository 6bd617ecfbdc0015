"""The examples in docstrings and in the README run.

A fence in the README that needs a file has a comment before it, and is left out where
the file is missing: `<!-- needs: PATH ... -->`, paths from the root of the project.
"""

import ast
import pathlib
import re
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parent.parent
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)
README_FENCE = re.compile(
    r"(?:<!-- needs: (?P<needs>.*?) -->\n+)?```python\n(?P<code>.*?)```", re.DOTALL
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def docstring_examples():
    for path in sorted((ROOT / "keras_seg").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            text = isinstance(node, DOCUMENTED) and ast.get_docstring(node)
            for example in FENCE.findall(text or ""):
                name = f"{module}:{getattr(node, 'name', '')}"
                yield pytest.param(example, id=name)


def readme_examples():
    text = (ROOT / "README.md").read_text()
    for i, match in enumerate(README_FENCE.finditer(text), start=1):
        needs = (match["needs"] or "").split()
        yield pytest.param(match["code"], needs, id=f"fence {i}")


@pytest.mark.parametrize("example", list(docstring_examples()))
def test_docstring(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(textwrap.dedent(example), "example", "exec"), {})
    assert not list(tmp_path.iterdir()), "examples clean up after themselves"


@pytest.mark.parametrize(("example", "needs"), list(readme_examples()))
def test_readme(example, needs, monkeypatch, tmp_path):
    missing = [path for path in needs if not (ROOT / path).exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    for top in {path.split("/")[0] for path in needs}:
        (tmp_path / top).symlink_to(ROOT / top)
    monkeypatch.chdir(tmp_path)  # an example may write
    exec(compile(example, "README.md", "exec"), {})
