"""Imports of libraries that only some functions need."""

import importlib


def import_optional(module, purpose, install):
    """Imports a library, or says how to install it.

    Args:
        module: String. Name of the module.
        purpose: String. What needs it, the start of the message.
        install: String. What to pass to `pip install`.

    Returns:
        The module.

    Raises:
        ModuleNotFoundError: If the library is missing. An error from inside an
            installed library is raised as it is.

    Example:

    ```python
    from keras_seg_runtime.optional import import_optional

    try:
        import_optional("no_library", "Reading clouds needs", "'keras-seg[clouds]'")
    except ModuleNotFoundError as error:
        print(error)  # Reading clouds needs no_library, which is not installed. ...
    ```
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.split(".")[0]
        if error.name is None or error.name.split(".")[0] != top:
            raise
        raise ModuleNotFoundError(
            f"{purpose} {top}, which is not installed. Try: pip install {install}",
            name=module,
        ) from error
