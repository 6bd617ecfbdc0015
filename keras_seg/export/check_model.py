"""What a model must be to be exported."""

from keras_seg.keras_internals.layer_graph import sublayers

LIBRARIES = ("keras", "keras_hub", "keras_seg")


def check_model(model):
    """Checks that a model can be built on TensorFlow, in single precision.

    Args:
        model: `keras_seg.models.Segmenter`.

    Returns:
        List of the modules that define classes of the user.

    Raises:
        ValueError: If it computes in half precision, or a class is defined in a script
            or a notebook, so that no other process can import it.
    """
    layers = [model, *sublayers(model)]
    dtypes = sorted({layer.compute_dtype for layer in layers} - {"float32", None})
    if dtypes:
        raise ValueError(
            "Only models that compute in float32 are exported. Received: layers of "
            f"{', '.join(dtypes)}. Save the model and load it with dtype='float32', as "
            "in from_preset(folder, dtype='float32')."
        )
    modules = {type(layer).__module__: type(layer).__name__ for layer in layers}
    if "__main__" in modules:
        raise ValueError(
            f"The class {modules['__main__']} is defined in a script or a notebook. A "
            "model is exported in a process of its own, which must import its "
            "classes: move the class to a module, a file NAME.py, and import it."
        )
    return sorted(m for m in modules if m.split(".")[0] not in LIBRARIES)
