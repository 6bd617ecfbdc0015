"""Rules of the project that no other test would miss. Each lists all offenders."""

import ast
import graphlib
import importlib
import inspect
import re

import pytest
from project_paths import ROOT, SUBPACKAGES, TESTS

pytestmark = pytest.mark.no_backend

PACKAGE = sorted(
    p
    for name in ("keras_seg", "keras_seg_cli", "keras_seg_runtime")
    for p in (ROOT / name).rglob("*.py")
)
SCRIPTS = sorted(
    path
    for name in ("benchmarks", "examples", "scripts")
    for path in (ROOT / name).rglob("*.py")
)
# Imports run from the top to the bottom, never back. Parts of one line may import from
# each other. CONTRIBUTING.md draws the same order.
ORDER = [
    {"keras_seg_cli"},
    {"former_names"},
    {"conversion"},
    {"training"},
    {"models"},
    {"export", "inference", "presets"},
    {"visualization"},
    {"data"},
    {"backbones", "losses", "metrics", "optimizers"},
    {"layers"},
    {"keras_internals"},
    {"runtime", "version"},
    {"keras_seg_runtime"},
]
BACKENDS = {"tensorflow", "jax", "flax", "torch", "torchvision"}
# Keras has no common function for what these files need from the backends.
MAY_IMPORT_BACKENDS = {
    "keras_seg/keras_internals/bilinear_by_gathers.py",
    "keras_seg/keras_internals/concrete_values.py",
    "keras_seg/keras_internals/depthwise_by_shifts.py",
    "keras_seg/keras_internals/faster_operations.py",
    "keras_seg/conversion/read_torch.py",  # the file format is torch's own
    "keras_seg/export/litert_file.py",  # written by TensorFlow, as is the next
    "keras_seg/export/saved_model.py",
    "keras_seg/data/batches/map_labels.py",
    "keras_seg/keras_internals/folded_norm.py",
    "keras_seg/keras_internals/fused_batch_norm.py",
    "keras_seg/keras_internals/inference_function.py",
    "keras_seg/keras_internals/replica_sum.py",
    "keras_seg/keras_internals/replicas_jax.py",
    "keras_seg/keras_internals/replicas_tensorflow.py",
    "keras_seg/keras_internals/replicas_torch.py",
}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".cfg", ".txt", ".json", ".sh", ""}


def name_of(path):
    return str(path.relative_to(ROOT))


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


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
        trees = {n.name: n for n in tree_of(path).body if isinstance(n, ast.ClassDef)}
        if not trees:
            continue  # what it imports may be missing: runtimes of exported files
        module = importlib.import_module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
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


def test_every_file_with_tests_is_collected():
    wrong = []
    for path in sorted(TESTS.rglob("*.py")):
        names = [
            node.name
            for node in tree_of(path).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        tests = [n for n in names if n.lower().startswith("test")]
        if not path.name.startswith("test_"):
            wrong += [f"{name_of(path)}: rename it to test_..."] if tests else []
        elif not tests:
            wrong.append(f"{name_of(path)} has no tests")
        elif len(set(names)) != len(names):
            wrong.append(f"{name_of(path)} defines a name twice, which hides a test")
    names = [path.name for path in TESTS.rglob("*.py")]
    wrong += [f"two files are called {n}" for n in set(names) if names.count(n) > 1]
    assert not wrong


def test_the_package_has_no_assert_and_no_relative_import():
    """An assert is removed by `python -O`; errors say what to do."""
    wrong = []
    for path in PACKAGE:
        tree = tree_of(path)
        wrong += [
            f"{name_of(path)}:{node.lineno} assert"
            for node in ast.walk(tree)
            if isinstance(node, ast.Assert)
        ]
        wrong += [
            f"{name_of(path)} imports {module}"
            for module in imports_of(tree)
            if module.startswith(".")
        ]
    assert not wrong


def test_the_package_imports_no_backend():
    wrong = [
        f"{name_of(path)} imports {module}: use keras.ops"
        for path in PACKAGE
        for module in imports_of(tree_of(path))
        if module.split(".")[0] in BACKENDS and name_of(path) not in MAY_IMPORT_BACKENDS
    ]
    assert not wrong


def test_imports_go_one_way():
    """Anywhere in a file, also inside a function."""
    wrong = []
    for path in PACKAGE:
        here = level_of(module_of(path))
        for module in imports_of(tree_of(path)):
            there = level_of(module) if module.startswith("keras_seg") else None
            if here is not None and there is not None and there < here:
                wrong.append(f"{name_of(path)} imports {module}")
    assert not wrong


def test_imports_have_no_circle():
    """Among files, also of one part, and also inside functions."""
    modules = {module_of(path) for path in PACKAGE}
    graph = {}
    for path in PACKAGE:
        found = set()
        for module in imports_of(tree_of(path)):
            while module and module not in modules:  # a name inside a module
                module = module.rpartition(".")[0]
            found.add(module)
        graph[module_of(path)] = found - {""}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises on a circle


def test_every_part_has_its_place_in_the_order():
    files = {"former_names", "runtime", "version", "keras_seg_cli", "keras_seg_runtime"}
    assert {*SUBPACKAGES, "keras_internals"} == set.union(*ORDER) - files


def test_contributing_draws_the_order():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    drawing = re.search(r"## Order of imports.*?```\n(.*?)```", text, re.DOTALL)[1]
    lines = [re.match(r"(\w+(?:, \w+)*)  ", x) for x in drawing.splitlines()]
    assert [set(x[1].split(", ")) for x in lines if x] == ORDER


def test_files_are_short():
    sizes = {path: len(path.read_text().splitlines()) for path in PACKAGE + SCRIPTS}
    long = {name_of(path): size for path, size in sizes.items() if size > 300}
    assert not long
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_public_names_are_documented_with_an_example():
    wrong = []
    for part in [*(f"keras_seg.{name}" for name in SUBPACKAGES), "keras_seg_runtime"]:
        module = importlib.import_module(part)
        for key in module.__all__:
            thing = getattr(module, key)
            text = inspect.getdoc(thing) if thing.__doc__ else ""
            if not re.search(r"Example:\s+```python\n.*?```", text, re.DOTALL):
                wrong.append(f"{part}.{key}")
    assert not wrong


def test_the_package_exports_every_subpackage():
    import keras_seg

    assert set(SUBPACKAGES) <= set(keras_seg.__all__)
    assert [n for n in keras_seg.__all__ if not getattr(keras_seg, n).__doc__] == []


def test_links_between_pages_lead_somewhere():
    """But for docs/api/, which is made with the site; its build checks those."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    pages += [*ROOT.glob("examples/*.md")]
    pages += [*ROOT.glob("tests/*.md"), *ROOT.glob("weights/*/README.md")]
    link = re.compile(r'\]\((?!https?:|#)([^)#\s]+)|src="(?!https?:)([^"]+)"')
    wrong = [
        f"{name_of(page)}: {''.join(target)}"
        for page in pages
        for target in link.findall(page.read_text())
        if not (page.parent / "".join(target)).exists()
        and (page.parent / "".join(target)).resolve().parent != ROOT / "docs" / "api"
    ]
    assert not wrong


def test_no_path_of_one_machine():
    pattern = re.compile(
        r"(?<![\w.~<>)\]-])/(?:home|Users|root|work|mnt)/\w|[A-Z]:\\\\"
    )
    wrong = []
    for path in ROOT.rglob("*"):
        inner = path.relative_to(ROOT).parts
        hidden = inner[0].startswith(".") and inner[0] not in {".ci", ".github"}
        made = inner[0] == "web" and {"node_modules", "dist", "test-results"} & {*inner}
        if hidden or made or inner[0] in {"runs", "demo", "build", "dist"}:
            continue
        if path.is_file() and path.suffix in TEXT:
            found = pattern.search(path.read_text(errors="replace"))
            wrong += [f"{name_of(path)}: {found.group()}"] if found else []
    assert not wrong
