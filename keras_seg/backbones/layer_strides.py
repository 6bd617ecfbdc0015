import keras


def layer_strides(network):
    """The stride of each layer of a network, as measured with a 512 x 512 image.

    Args:
        network: Functional `keras.Model` from images of any size.

    Returns:
        Dictionary from names of layers whose output is a map to integers.

    Example:

    ```python
    import keras
    from keras_seg.backbones.layer_strides import layer_strides

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="a")(inputs)
    print(layer_strides(keras.Model(inputs, x)))  # {'a': 2}
    ```
    """
    probe = keras.Model(
        network.input, [layer.output for layer in network.layers if _is_map(layer)]
    )
    shapes = probe.compute_output_shape((1, 512, 512, 3))
    names = [layer.name for layer in network.layers if _is_map(layer)]
    return {name: 512 // shape[1] for name, shape in zip(names, shapes, strict=True)}


def _is_map(layer):
    shape = getattr(layer.output, "shape", ())
    return len(shape) == 4 and not isinstance(layer, keras.layers.InputLayer)
