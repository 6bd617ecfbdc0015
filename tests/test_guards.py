"""Rules of the project that no other test would miss."""

import ast
import importlib
import inspect
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = sorted(
    p for name in ("keras_seg", "keras_seg_cli") for p in (ROOT / name).rglob("*.py")
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SCRIPTS = sorted(
    path
    for name in ("benchmarks", "examples", "scripts")
    for path in (ROOT / name).rglob("*.py")
)
SUBPACKAGES = [
    "backbones",
    "conversion",
    "data",
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
# Imports run from the left to the right, never back. What stands together in a set
# may import each other's names, but not the other way round in a circle.
ORDER = [
    {"keras_seg_cli"},
    {"former_names"},
    {"conversion"},
    {"training"},
    {"models"},
    {"inference", "presets"},
    {"visualization"},
    {"data"},
    {"backbones", "losses", "metrics", "optimizers"},
    {"layers"},
    {"keras_internals"},
    {"version"},
]
# Keras lacks what these files ask of the backends.
SPEAKS_TO_BACKENDS = {
    "keras_seg/conversion/read_torch.py",  # the format is its own
    "keras_seg/data/batches/map_labels.py",
    "keras_seg/keras_internals/replica_sum.py",
}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".cfg", ".txt", ".json", ".sh", ""}


def name_of(path):
    return str(path.relative_to(ROOT))


def tree_of(path):
    return ast.parse(path.read_text(), filename=str(path))


def imports_of(tree):
    """Full names of all that is imported, inside functions as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_every_file_with_tests_is_collected():
    for path in TESTS:
        names = [
            node.name
            for node in tree_of(path).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        tests = [n for n in names if n.lower().startswith("test")]
        if path.name.startswith("test_"):
            assert tests, f"{path.name} has no tests"
            assert len(set(names)) == len(names), f"{path.name} hides a test"
        else:
            assert not tests, f"rename {path.name} to test_{path.name}"
    assert not list((ROOT / "tests").rglob("*_test.py"))


@pytest.mark.parametrize("path", PACKAGE, ids=name_of)
def test_module(path):
    tree = tree_of(path)
    asserts = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Assert)]
    assert not asserts, (
        f"assert in lines {asserts}: raise an error that says what to do"
    )
    for module in imports_of(tree):
        top = module.split(".")[0]
        assert top, f"relative import of {module}"
        backend = top in {"tensorflow", "jax", "flax", "torch", "torchvision"}
        assert not backend or name_of(path) in SPEAKS_TO_BACKENDS, (
            f"{module} is a backend: use keras.ops"
        )


def level_of(module):
    parts = module.split(".")
    part = parts[1] if parts[0] == "keras_seg" and len(parts) > 1 else parts[0]
    for level, names in enumerate(ORDER):
        if part in names:
            return level
    return None


@pytest.mark.parametrize("path", PACKAGE, ids=name_of)
def test_imports_go_one_way(path):
    """Anywhere in a file, also inside a function."""
    here = level_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for module in imports_of(tree_of(path)):
        there = level_of(module) if module.startswith("keras_seg") else None
        assert here is None or there is None or there >= here, module


def test_every_part_has_its_place_in_the_order():
    parts = {path.name for path in (ROOT / "keras_seg").iterdir() if path.is_dir()}
    files = {"former_names", "version", "keras_seg_cli"}
    assert parts - {"__pycache__"} == set.union(*ORDER) - files
    assert set(SUBPACKAGES) == parts - {"__pycache__", "keras_internals"}


@pytest.mark.parametrize("path", [*PACKAGE, *SCRIPTS], ids=name_of)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 300


def public_objects():
    for name in SUBPACKAGES:
        module = importlib.import_module(f"keras_seg.{name}")
        for key in module.__all__:
            yield pytest.param(getattr(module, key), id=f"{name}.{key}")


@pytest.mark.parametrize("thing", list(public_objects()))
def test_public_names_are_documented_with_an_example(thing):
    text = inspect.getdoc(thing) if thing.__doc__ else ""
    assert re.search(r"Example:\s+```python\n.*?```", text, re.DOTALL)


def test_the_package_has_every_subpackage():
    import keras_seg

    assert set(SUBPACKAGES) <= set(keras_seg.__all__)
    for name in keras_seg.__all__:
        assert getattr(keras_seg, name).__doc__


def test_no_path_of_one_machine():
    pattern = re.compile(
        r"(?<![\w.~<>)\]-])/(?:home|Users|root|work|mnt)/\w|[A-Z]:\\\\"
    )
    for path in ROOT.rglob("*"):
        inner = path.relative_to(ROOT).parts
        hidden = inner[0].startswith(".") and inner[0] not in {".ci", ".github"}
        if hidden or inner[0] in {"runs", "demo", "build", "dist"}:
            continue
        if path.is_file() and path.suffix in TEXT:
            found = pattern.search(path.read_text(errors="replace"))
            assert not found, f"{name_of(path)}: {found.group()}"
