"""Scripts outside the package import names that the package has.

Most of them run too long for a test, so what they import is read, not run.
"""

import ast
import importlib

import pytest
from project_paths import ROOT

pytestmark = pytest.mark.no_backend

FOLDERS = ("benchmarks", "examples", "scripts")
PACKAGES = ("keras_seg", "keras_seg_cli", "keras_seg_runtime")


def imported_names(path):
    """Pairs `(module, name)` that a file takes from the packages."""
    for node in ast.walk(ast.parse(path.read_text())):
        module = getattr(node, "module", None)
        if isinstance(node, ast.ImportFrom) and module and not node.level:
            if module.split(".")[0] in PACKAGES:
                yield from ((module, alias.name) for alias in node.names)


def is_there(module, name):
    package = importlib.import_module(module)
    if hasattr(package, name):
        return True
    try:  # a module of a package
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


def test_every_imported_name_is_there():
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    found = [(path, *names) for path in paths for names in imported_names(path)]
    assert len(found) > 50
    missing = [
        f"{path.relative_to(ROOT)}: {name} of {module}"
        for path, module, name in found
        if not is_there(module, name)
    ]
    assert not missing
