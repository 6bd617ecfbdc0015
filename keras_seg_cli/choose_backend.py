"""Selects and imports the backend of the command line, without start messages."""

import contextlib
import importlib.util
import os

FASTEST_ON_CPU = ("tensorflow", "torch", "jax")


def choose_backend():
    """Sets `KERAS_BACKEND`, if it is not set, to the fastest installed for a CPU.

    Must run before Keras is imported.

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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    wanted = os.environ.get("KERAS_BACKEND")
    for name in [wanted] if wanted else FASTEST_ON_CPU:
        if importlib.util.find_spec(name) is not None:
            os.environ["KERAS_BACKEND"] = name
            return name
    if wanted:
        raise ModuleNotFoundError(
            f"KERAS_BACKEND={wanted} is not installed. Install it, or unset "
            "KERAS_BACKEND to use another backend."
        )
    raise ModuleNotFoundError(
        "Keras needs TensorFlow, JAX or torch and none is installed. "
        "Try: pip install 'keras-seg[tensorflow]'"
    )


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
