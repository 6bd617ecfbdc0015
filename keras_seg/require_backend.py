"""Says what to install if Keras has no backend. Imported before Keras is."""

import importlib.util
import json
import os

BACKENDS = ("tensorflow", "jax", "torch")


def require_backend():
    """Raises `ModuleNotFoundError` if the backend that Keras will use is missing.

    Keras itself would say that `tensorflow` is missing, also to those who want another
    backend.

    Example:

    ```python
    from keras_seg.require_backend import require_backend

    require_backend()  # nothing happens, one is installed
    ```
    """
    chosen = os.environ.get("KERAS_BACKEND")
    wanted = chosen or _default_backend()
    if wanted not in BACKENDS:
        return  # left to Keras
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    if wanted in installed:
        return
    if chosen:
        reason = f"KERAS_BACKEND={chosen} is not installed"
    elif installed:
        raise ModuleNotFoundError(
            f"Keras uses {wanted} unless told otherwise, and it is not installed. Set "
            f"KERAS_BACKEND={installed[0]} before the import. Installed: "
            f"{', '.join(installed)}."
        )
    else:
        reason = "none is installed"
    extras = ", ".join(f"'keras-seg[{name}]'" for name in BACKENDS)
    raise ModuleNotFoundError(
        f"keras_seg needs a backend of Keras, and {reason}. Install one with pip: "
        f"{extras}, in a checkout '.[tensorflow]', '.[jax]' or '.[torch]'. "
        "KERAS_BACKEND chooses among those that are installed."
    )


def _default_backend():
    """The backend of Keras's file of settings; TensorFlow if there is none."""
    folder = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    try:
        with open(os.path.join(folder, "keras.json"), encoding="utf-8") as file:
            return json.load(file).get("backend", "tensorflow")
    except (OSError, ValueError):
        return "tensorflow"


require_backend()
