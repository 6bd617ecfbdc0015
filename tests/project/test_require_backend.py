"""`import keras_seg` without a backend says what to install."""

import importlib.util
import json

import pytest

from keras_seg.require_backend import BACKENDS, require_backend

pytestmark = pytest.mark.no_backend


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Sets which modules seem to be installed; nothing chooses a backend."""
    names = set()
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name if name in names else None
    )
    return names


def test_without_a_backend_the_extras_are_named(installed):
    with pytest.raises(ModuleNotFoundError) as caught:
        require_backend()
    for name in BACKENDS:
        assert f"keras-seg[{name}]" in str(caught.value)


@pytest.mark.parametrize("name", BACKENDS)
def test_one_backend_is_enough(installed, name, monkeypatch):
    installed.add(name)
    monkeypatch.setenv("KERAS_BACKEND", name)
    require_backend()


def test_where_keras_would_use_another_the_installed_one_is_named(installed, tmp_path):
    installed.add("jax")
    with pytest.raises(ModuleNotFoundError, match="Set KERAS_BACKEND=jax before"):
        require_backend()
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    require_backend()
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    with pytest.raises(ModuleNotFoundError, match="Keras uses torch"):
        require_backend()


def test_the_backend_that_was_chosen_must_be_there(installed, monkeypatch):
    installed.add("tensorflow")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ModuleNotFoundError, match="KERAS_BACKEND=jax is not"):
        require_backend()
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    require_backend()  # Keras knows what it can do with that one


def test_it_comes_before_the_first_import_of_keras():
    from project_paths import ROOT

    lines = (ROOT / "keras_seg" / "__init__.py").read_text().splitlines()
    imports = [x for x in lines if x.startswith(("import ", "from "))]
    assert imports[0].startswith("import keras_seg.require_backend")
