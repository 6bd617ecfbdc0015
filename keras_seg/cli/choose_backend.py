"""Which backend the command line runs on."""

import importlib.util
import os

FASTEST_ON_CPU = ("tensorflow", "torch", "jax")


def choose_backend():
    """Sets `KERAS_BACKEND`, if it is not set, to the fastest installed for a CPU.

    Must run before Keras is imported. Also keeps TensorFlow's start messages quiet.

    Returns:
        The name of the backend.

    Raises:
        ModuleNotFoundError: If the backend, or any, is not installed.

    Example:

    ```python
    from keras_seg.cli.choose_backend import choose_backend

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
