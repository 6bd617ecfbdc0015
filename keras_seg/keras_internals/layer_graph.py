"""The graph of a functional model: which layer made a tensor, and from what.

Keras has the history of a tensor, the nodes of a layer and the layers inside a layer
in private attributes only. `keras.utils.get_source_inputs` gives the inputs of the
whole graph, `get_config()` names that must be looked up again, and `Model.layers` the
outermost layers of a model, not those of a layer. Seen to work with Keras 3.15.1.
"""


def source_layer(tensor):
    """The layer that has a symbolic tensor as its output.

    Args:
        tensor: `keras.KerasTensor` of a functional model.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.layer_graph import source_layer

    outputs = keras.layers.Dense(2, name="last")(keras.Input((3,)))
    print(source_layer(outputs).name)  # last
    ```
    """
    return tensor._keras_history.operation


def parent_layers(layer):
    """The layers whose outputs a layer takes, in all models that it is part of.

    Args:
        layer: Layer of a functional model.

    Returns:
        List of layers, in the order of the inputs, without repetition.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.layer_graph import parent_layers

    first, last = keras.layers.Dense(2, name="first"), keras.layers.ReLU()
    outputs = last(first(keras.Input((3,))))
    print([layer.name for layer in parent_layers(last)])  # ['first']
    ```
    """
    parents = [
        parent.operation
        for node in layer._inbound_nodes
        for parent in node.parent_nodes
    ]
    return list(dict.fromkeys(parents))


def sublayers(layer):
    """The layers inside a layer, at any depth, without the layer itself.

    Args:
        layer: Layer or model.

    Returns:
        List of layers, empty if there are none.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.layer_graph import sublayers

    layer = keras.layers.TimeDistributed(keras.layers.Dense(2, name="inside"))
    print([layer.name for layer in sublayers(layer)])  # ['inside']
    ```
    """
    return list(layer._flatten_layers(include_self=False))
