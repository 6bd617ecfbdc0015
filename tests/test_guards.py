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
SCRIPTS = sorted([*(ROOT / "examples").rglob("*.py"), *ROOT.glob("benchmarks/**/*.py")])
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
    "visualization",
]
# Imports run from the left to the right, never back. What stands together in a set
# may import each other's names, but not the other way round in a circle.
ORDER = [
    {"keras_seg_cli"},
    {"former_names"},
    {"conversion"},
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


def private_names(tree, own):
    """Names from inside Keras, keras-hub or another library that a module uses.

    Args:
        tree: Syntax tree of the module.
        own: Set of the private names that our packages define.
    """
    for module in imports_of(tree):
        if {"src", "_tf_keras"} & set(module.split(".")[1:]):
            yield module
    for node in ast.walk(tree):
        name = None
        if isinstance(node, ast.Attribute):
            name = node.attr
            if ast.unparse(node) in ("keras.src", "keras_hub.src"):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "getattr",
            "hasattr",
            "setattr",
        ):
            name = node.args[1].value if isinstance(node.args[1], ast.Constant) else ""
        if name and name.startswith("_") and not name.startswith("__"):
            if name not in own:
                yield name


def private_definitions(trees):
    """Private functions, methods, variables and attributes of `self` in our code."""
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if ast.unparse(node.value) == "self":
                yield node.attr


def outside_keras_internals():
    return [path for path in PACKAGE if "keras_internals" not in path.parts]


def test_private_names_of_keras_are_in_keras_internals_alone():
    trees = {path: tree_of(path) for path in outside_keras_internals()}
    own = set(private_definitions(trees.values()))
    found = {name_of(path): set(private_names(trees[path], own)) for path in trees}
    found = {path: sorted(names) for path, names in found.items() if names}
    assert not found, f"give these a function in keras_seg/keras_internals: {found}"


def test_no_class_overrides_a_private_name_of_keras():
    """Neither on purpose nor by an attribute that has the same name by chance."""
    found = []
    for path in outside_keras_internals():
        module = importlib.import_module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
        trees = {n.name: n for n in tree_of(path).body if isinstance(n, ast.ClassDef)}
        for name, tree in trees.items():
            bases = [
                base
                for base in getattr(module, name).__mro__
                if base.__module__.split(".")[0] in {"keras", "keras_hub"}
            ]
            theirs = {key for base in bases for key in vars(base)}
            ours = {x for x in private_definitions([tree]) if x[:1] == "_" != x[1:2]}
            found += [f"{name}.{x}" for x in ours & theirs]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "from keras.src.models import functional",
        "import keras_hub.src.utils.preset_utils",
        "layers = keras.src.layers",
        "model._flatten_layers()",
        "self._nodes_by_depth",
        "super()._run_through_graph()",
        "getattr(layer, '_inbound_nodes')",
    ],
)
def test_the_guard_finds_private_names(line):
    assert list(private_names(ast.parse(line), own={"_forward"}))
    for fine in ("import keras", "self._forward()", "model._forward()", "x.__class__"):
        assert not list(private_names(ast.parse(fine), own={"_forward"}))


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
