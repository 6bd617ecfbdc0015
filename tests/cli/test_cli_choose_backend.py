import importlib.util
import os

import pytest

from keras_seg_cli.choose_backend import choose_backend, explain_backend, import_keras

pytestmark = pytest.mark.no_backend


@pytest.fixture
def installed(monkeypatch):
    """Sets which modules seem to be installed."""
    names = set()
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name if name in names else None
    )
    monkeypatch.setattr(os, "environ", {})
    return names


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"jax", "torch", "tensorflow"}, "tensorflow"),
        ({"jax", "tensorflow"}, "jax"),  # the extra that was asked for
        ({"torch", "tensorflow"}, "torch"),
        ({"tensorflow"}, "tensorflow"),
        ({"jax", "torch"}, "torch"),
        ({"jax"}, "jax"),
    ],
)
def test_backend_of_the_extra_or_the_fastest(installed, there, expected):
    installed |= there
    assert choose_backend() == expected
    assert os.environ["KERAS_BACKEND"] == expected
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ({"torch"}, "torch (the only one installed"),
        ({"torch", "tensorflow"}, "torch (installed beside TensorFlow"),
        ({"jax", "torch"}, "torch (the fastest on a CPU"),
    ],
)
def test_the_reason_is_told(installed, there, reason):
    installed |= there
    assert explain_backend().startswith(reason)
    assert explain_backend().endswith("(KERAS_BACKEND)")  # set by the first call


def test_the_users_backend_is_used(installed):
    installed |= {"jax", "tensorflow"}
    os.environ.update(KERAS_BACKEND="jax", TF_CPP_MIN_LOG_LEVEL="0")
    assert choose_backend() == "jax"
    assert os.environ["KERAS_BACKEND"] == "jax"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_a_missing_backend_is_named(installed):
    os.environ["KERAS_BACKEND"] = "jax"
    with pytest.raises(ModuleNotFoundError, match="KERAS_BACKEND=jax"):
        choose_backend()


def test_no_backend_at_all(installed):
    with pytest.raises(ModuleNotFoundError, match="pip install") as caught:
        choose_backend()
    for extra in ("tensorflow", "jax", "torch"):
        assert f"'keras-seg[{extra}]'" in str(caught.value)


def test_import_is_quiet_and_stderr_comes_back(monkeypatch, capfd):
    monkeypatch.setattr(
        importlib, "import_module", lambda name: os.write(2, b"chatter\n")
    )
    import_keras()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_failed_import_is_raised_and_stderr_comes_back(monkeypatch, capfd):
    def broken(name):
        raise ImportError("no backend")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ImportError, match="no backend"):
        import_keras()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
