"""The strides of a network, and dilation in place of some of them."""

import keras

from keras_seg.keras_internals.layer_graph import parent_layers


def dilated_copy(network, strides, output_stride):
    """A copy of a network that keeps its resolution from a given stride on.

    Layers that would reduce the resolution further get a stride of 1, and the kernels
    after them are dilated, so that the same weights apply to the same neighbours.

    Reference:
        [Rethinking Atrous Convolution for Semantic Image
        Segmentation](https://arxiv.org/abs/1706.05587).

    Args:
        network: Functional `keras.Model`. Its weights are copied.
        strides: Dictionary from the names of its layers to their strides, see
            `layer_strides`.
        output_stride: Integer. Largest stride of the copy.

    Returns:
        Functional `keras.Model`.

    Example:

    ```python
    import keras
    from keras_seg.backbones.dilation import dilated_copy

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="a")(inputs)
    x = keras.layers.Conv2D(4, 3, padding="same", name="b")(x)
    copy = dilated_copy(keras.Model(inputs, x), {"a": 2, "b": 2}, output_stride=1)
    print(copy.compute_output_shape((1, 8, 8, 3)))  # (1, 8, 8, 4)
    ```
    """
    padded = {}  # names of padding layers to the padding that dilation needs

    def stride_before(layer):
        stride = strides.get(layer.name, 1)
        factor = layer.strides[0] if getattr(layer, "strides", None) else 1
        return stride // factor

    def dilation(layer):
        return max(1, stride_before(layer) // output_stride)

    for layer in network.layers:
        if _kernel(layer) > 1 and strides.get(layer.name, 0) > output_stride:
            for parent in parent_layers(layer):
                if isinstance(parent, keras.layers.ZeroPadding2D):
                    padded[parent.name] = dilation(layer) * (_kernel(layer) - 1) // 2

    def clone(layer):
        config = layer.get_config()
        if layer.name in padded:
            config["padding"] = padded[layer.name]
        elif strides.get(layer.name, 0) > output_stride:
            if "strides" in config:
                config["strides"] = (1, 1)
            if _kernel(layer) > 1:
                config["dilation_rate"] = (dilation(layer),) * 2
            elif "pool_size" in config:
                config["padding"] = "same"
        return type(layer).from_config(config)

    copy = keras.models.clone_model(network, clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy


def layer_strides(network):
    """The stride of each layer of a network, derived from a 512 x 512 image.

    Args:
        network: Functional `keras.Model` that takes images of any size.

    Returns:
        Dictionary from the names of the layers with feature maps as output to integers.

    Example:

    ```python
    import keras
    from keras_seg.backbones.dilation import layer_strides

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


def _kernel(layer):
    """The side of the kernel of a convolution; 0 for other layers."""
    return (getattr(layer, "kernel_size", None) or (0,))[0]
