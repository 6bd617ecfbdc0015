"""The examples in docstrings run on each backend, those of README and docs/ on one.

A fence of a page that needs a file has a comment before it:
`<!-- needs: PATH ... -->`, paths from the root of the project. It is left out where a
path is missing. `images` and `masks` are made here, see `make_folder`.
"""

import ast
import re
import shlex
import textwrap

import keras
import numpy as np
import pytest
from PIL import Image
from project_paths import ROOT

from keras_seg_cli.main import build_parser

FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)
PAGE_FENCE = re.compile(
    r"(?:<!-- needs: (?P<needs>.*?) -->\n+)?```python\n(?P<code>.*?)```", re.DOTALL
)
ANY_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def docstring_examples():
    paths = [p for n in ("keras_seg", "keras_seg_runtime") for p in ROOT.glob(n)]
    for path in sorted(p for folder in paths for p in folder.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            text = isinstance(node, DOCUMENTED) and ast.get_docstring(node)
            for example in FENCE.findall(text or ""):
                name = f"{module}:{getattr(node, 'name', '')}"
                yield pytest.param(example, id=name)


def page_examples():
    for page in PAGES:
        if page.stem == "other_data_pipelines":
            continue  # needs many libraries: tests/data/test_data_pipelines.py runs it
        for i, match in enumerate(PAGE_FENCE.finditer(page.read_text()), start=1):
            needs = (match["needs"] or "").split()
            yield pytest.param(match["code"], needs, id=f"{page.stem}-{i}")


def make_folder(folder):
    """Two images of 300 x 280 pixels and their masks of three classes and void."""
    rng = np.random.default_rng(0)
    for kind, shape in (("images", (280, 300, 3)), ("masks", (280, 300))):
        (folder / kind).mkdir()
        for name in "ab":
            array = rng.integers(0, 256 if kind == "images" else 3, shape, "uint8")
            if kind == "masks":
                array[:5] = 255
            Image.fromarray(array).save(folder / kind / f"{name}.png")


@pytest.mark.parametrize("example", list(docstring_examples()))
def test_docstring(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(textwrap.dedent(example), "example", "exec"), {})
    assert not list(tmp_path.iterdir()), "examples clean up after themselves"


@pytest.mark.no_backend  # golden logits compare the presets on each backend
@pytest.mark.parametrize(("example", "needs"), list(page_examples()))
def test_page(example, needs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # an example may write
    if needs == ["images", "masks"]:
        make_folder(tmp_path)
        monkeypatch.setattr("keras_seg.models.Segmenter.fit", one_small_step)
        needs = []
    missing = [path for path in needs if not (ROOT / path).exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    for top in {path.split("/")[0] for path in needs}:
        (tmp_path / top).symlink_to(ROOT / top)
    exec(compile(example, "page", "exec"), {})


def one_small_step(model, x=None, y=None, *, epochs=1, **kwargs):
    """In place of `fit`, whose 20 epochs take too long."""
    images, labels = x[0]
    assert images.shape == (8, 256, 256, 3) and labels.shape == (8, 256, 256)
    assert epochs > 1 and model.optimizer is not None
    logits = model(images[:1, :64, :64])
    loss = model.compute_loss(None, labels[:1, :64, :64], logits)
    assert np.isfinite(keras.ops.convert_to_numpy(loss))


@pytest.mark.no_backend
def test_commands_of_the_pages_are_valid():
    """Each `keras-seg` line of a page parses."""
    parser, found = build_parser(), []
    for page in [*PAGES, ROOT / "examples" / "README.md"]:
        for _, fence in ANY_FENCE.findall(page.read_text()):
            for line in fence.replace("\\\n", " ").splitlines():
                if line.startswith("keras-seg "):
                    words = shlex.split(line.split(" > ")[0])[1:]
                    found.append(words[0])
                    parser.parse_args(words)  # ends the process on a wrong option
    assert {"predict", "evaluate", "convert", "explain"} <= set(found)
