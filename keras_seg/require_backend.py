"""Says what to install if Keras has no backend. Imported before Keras is."""

import importlib.util
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
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted and wanted not in BACKENDS:
        return  # left to Keras
    names = [wanted] if wanted else BACKENDS
    if any(importlib.util.find_spec(name) for name in names):
        return
    extras = ", ".join(f"'keras-seg[{name}]'" for name in BACKENDS)
    reason = (
        f"KERAS_BACKEND={wanted} is not installed" if wanted else "none is installed"
    )
    raise ModuleNotFoundError(
        f"keras_seg needs a backend of Keras, and {reason}. Install one with pip: "
        f"{extras}, in a checkout '.[tensorflow]', '.[jax]' or '.[torch]'. "
        "KERAS_BACKEND chooses among those that are installed."
    )


require_backend()
