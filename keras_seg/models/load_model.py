from keras_seg.models.segmenter import Segmenter


def load_model(preset, load_weights=True, **kwargs) -> Segmenter:
    """Loads a model from a preset of any class.

    Args:
        preset: String. The full name of a shipped preset, such as `"ecenet/camvid"`,
            the folder of a saved preset, or a handle of keras-hub.
        load_weights: Boolean. Whether to load weights. `False` leaves them random.
        **kwargs: See `keras_seg.models.Segmenter.from_preset`.

    Returns:
        A `keras_seg.models.Segmenter`.

    Raises:
        ValueError: If the preset is unknown, damaged or not a model.
        OSError: If its files are missing or cannot be read.

    Example:

    ```python
    import keras_seg

    names = keras_seg.presets.list_presets()
    if names:
        model = keras_seg.models.load_model(list(names)[0])
    ```
    """
    return Segmenter.from_preset(preset, load_weights=load_weights, **kwargs)
