from keras_seg.presets.shipped import shipped_presets


def list_presets() -> dict:
    """The presets that ship with the package.

    Returns:
        Dictionary from full names, as `load_model` takes them, to descriptions.

    Example:

    ```python
    import keras_seg

    for name, description in keras_seg.presets.list_presets().items():
        print(name, description)
    ```
    """
    return {name: entry["description"] for name, entry in shipped_presets().items()}
