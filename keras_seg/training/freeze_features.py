"""Leave nothing of a model to train but the layers that depend on the classes."""


def freeze_features(model):
    """Makes a linear probe of a `Segmenter`: its features stay as they are.

    Frozen normalisation keeps its statistics in training as well.
    """
    kept = {id(x) for layer in model.head.class_layers for x in layer._flatten_layers()}
    for layer in model._flatten_layers():
        # Leaves alone: a frozen layer would take those within it along.
        if id(layer) not in kept and not layer._layers:
            layer.trainable = False
