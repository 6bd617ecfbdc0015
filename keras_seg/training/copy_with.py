from typing import Any


def copy_with(model, **changes) -> Any:
    """A copy of a model or backbone, with its weights, that differs in some arguments.

    Args:
        model: Model with a config. Its variables must not depend on what changes.
        **changes: Arguments of its class.

    Returns:
        The copy.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    copy = keras_seg.training.copy_with(backbone, name="copy")
    print(copy.name)  # copy
    ```
    """
    copy = type(model).from_config({**model.get_config(), **changes})
    copy.set_weights(model.get_weights())
    return copy
