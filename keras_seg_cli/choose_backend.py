"""Selects and imports the backend of the command line, without start messages."""

import contextlib
import importlib.util
import os

FASTEST_ON_CPU = ("tensorflow", "torch", "jax")


def choose_backend():
    """Sets `KERAS_BACKEND`, if it is not set, to that of the extra that was installed.

    TensorFlow is always there, as keras-hub requires it. So if JAX or torch is there as
    well, and not both, it was asked for. Otherwise the fastest on a CPU is taken. Must
    run before Keras is imported.

    Returns:
        The name of the backend.

    Raises:
        ModuleNotFoundError: If the backend of `KERAS_BACKEND`, or every backend, is
            missing.

    Example:

    ```python
    from keras_seg_cli.choose_backend import choose_backend

    print(choose_backend())
    ```
    """
    return _choose()[0]


def explain_backend():
    """Chooses the backend as `choose_backend` does, and says which one and why.

    Returns:
        String, such as `"jax (installed beside TensorFlow, which keras-hub requires)"`.

    Raises:
        ModuleNotFoundError: See `choose_backend`.

    Example:

    ```python
    from keras_seg_cli.choose_backend import explain_backend

    print("Starting on", explain_backend())
    ```
    """
    name, reason = _choose()
    return f"{name} ({reason})"


def _choose():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted:
        if importlib.util.find_spec(wanted) is None:
            raise ModuleNotFoundError(
                f"KERAS_BACKEND={wanted} is not installed. Install it with pip install "
                f"{wanted}, or unset KERAS_BACKEND to use another backend."
            )
        return wanted, "KERAS_BACKEND"
    found = [name for name in FASTEST_ON_CPU if importlib.util.find_spec(name)]
    if not found:
        raise ModuleNotFoundError(
            "Keras needs TensorFlow, JAX or torch and none is installed. Try one of: "
            + ", ".join(f"pip install 'keras-seg[{name}]'" for name in FASTEST_ON_CPU)
        )
    name, reason = found[0], "the fastest on a CPU of those installed"
    if len(found) == 1:
        reason = "the only one installed"
    elif len(found) == 2 and "tensorflow" in found:
        name, reason = found[1], "installed beside TensorFlow, which keras-hub requires"
    os.environ["KERAS_BACKEND"] = name
    return name, f"{reason}; KERAS_BACKEND chooses another"


def import_keras():
    """Imports Keras without the start messages of TensorFlow.

    Some of them ignore `TF_CPP_MIN_LOG_LEVEL`, so what is written to stderr during the
    import goes to a temporary file. Errors are raised as usual.

    Example:

    ```python
    from keras_seg_cli.choose_backend import import_keras

    import_keras()
    ```
    """
    import tempfile

    with tempfile.TemporaryFile() as sink, contextlib.ExitStack() as stack:
        stderr = os.dup(2)
        stack.callback(os.close, stderr)
        stack.callback(os.dup2, stderr, 2)
        os.dup2(sink.fileno(), 2)
        for name in ("keras", "keras_hub"):  # keras-hub imports TensorFlow on each
            importlib.import_module(name)
