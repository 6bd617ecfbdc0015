from keras_seg.keras_internals.layer_graph import sublayers
from keras_seg.keras_internals.trainable_state import freeze_unused, make_trainable


def freeze_features(model) -> None:
    """Freezes all layers of a model but those that depend on the classes.

    What is trained is then a linear classifier of fixed features. Normalisation layers
    that are frozen keep their statistics in training as well.

    Args:
        model: `keras_seg.models.Segmenter`, changed in place. Compile it afterwards.

    Example:

    ```python
    import keras_seg

    model = keras_seg.SGR(
        backbone=keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        num_classes=3,
        hidden_dim=16,
        reasoner=False,
    )
    keras_seg.training.freeze_features(model)
    print(len(model.trainable_variables))  # 2, kernel and bias of the classifier
    ```
    """
    kept = {
        id(x) for layer in model.head.class_layers for x in (layer, *sublayers(layer))
    }
    for layer in sublayers(model):
        # Only layers without sublayers: a frozen layer freezes those inside it as well.
        if id(layer) not in kept and not sublayers(layer):
            layer.trainable = False


def unfreeze(model) -> None:
    """Makes all layers of a model trainable that its outputs depend on.

    Args:
        model: `keras_seg.models.Segmenter`, changed in place. Compile it afterwards.

    Example:

    ```python
    import keras_seg
    from keras_seg.training.freeze_features import unfreeze

    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    model = keras_seg.CPT(backbone, num_classes=3, hidden_dim=16)
    keras_seg.training.freeze_features(model)
    unfreeze(model)
    print(len(model.trainable_variables))
    ```
    """
    make_trainable(model)
    freeze_unused(model)
