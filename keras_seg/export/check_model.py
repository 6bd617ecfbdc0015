"""What a model must be to be exported."""

import keras

from keras_seg.keras_internals.layer_graph import sublayers

LIBRARIES = ("builtins", "keras", "keras_hub", "keras_seg")


def check_model(model):
    """Checks that a model can be built on TensorFlow, in single precision.

    Args:
        model: `keras_seg.models.Segmenter`.

    Returns:
        List of the modules that define classes or functions of the user.

    Raises:
        ValueError: If it computes in half precision, or a class is defined in a script
            or a notebook, so that no other process can import it.
    """
    parts = [model, model.backbone, model.head, model.preprocessor]
    layers = [layer for part in parts for layer in (part, *sublayers(part))]
    dtypes = sorted({layer.compute_dtype for layer in layers} - {"float32", None})
    if dtypes:
        raise ValueError(
            "Only models that compute in float32 are exported. Received: layers of "
            f"{', '.join(dtypes)}. Save the model and load it with dtype='float32', as "
            "in from_preset(folder, dtype='float32')."
        )
    modules = dict(_modules(keras.saving.serialize_keras_object(model)))
    if "__main__" in modules:
        raise ValueError(
            f"{modules['__main__']} is defined in a script or a notebook. A model is "
            "exported in a process of its own, which must import its classes: move it "
            "to a module, a file NAME.py, and import it."
        )
    return sorted(m for m in modules if m.split(".")[0] not in LIBRARIES)


def _modules(config):
    """Pairs of the modules that a configuration names and what it needs of them."""
    if isinstance(config, dict):
        if isinstance(config.get("module"), str) and "class_name" in config:
            yield config["module"], config["class_name"]
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from _modules(value)
