"""Leave nothing of a model to train but the layers that depend on the classes."""

from keras_seg.keras_internals.layer_graph import sublayers


def freeze_features(model):
    """Makes a linear probe of a `Segmenter`: its features stay as they are.

    Frozen normalisation keeps its statistics in training as well.
    """
    kept = {
        id(x) for layer in model.head.class_layers for x in (layer, *sublayers(layer))
    }
    for layer in sublayers(model):
        # Only layers without sublayers: a frozen layer freezes those inside it as well.
        if id(layer) not in kept and not sublayers(layer):
            layer.trainable = False
