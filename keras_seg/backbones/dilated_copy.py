import keras


def dilated_copy(network, strides, output_stride):
    """A copy of a network that keeps its resolution from some stride on.

    What would shrink the map further has a stride of 1 instead, and the kernels behind
    it are dilated, so that the same weights see the same neighbours.

    Reference:
        [Rethinking Atrous Convolution for Semantic Image
        Segmentation](https://arxiv.org/abs/1706.05587).

    Args:
        network: Functional `keras.Model`. Its weights are copied.
        strides: Dictionary from names of its layers to their strides.
        output_stride: Integer, the greatest stride that is left.

    Example:

    ```python
    import keras
    from keras_seg.backbones.dilated_copy import dilated_copy

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="a")(inputs)
    x = keras.layers.Conv2D(4, 3, padding="same", name="b")(x)
    copy = dilated_copy(keras.Model(inputs, x), {"a": 2, "b": 2}, output_stride=1)
    print(copy.compute_output_shape((1, 8, 8, 3)))  # (1, 8, 8, 4)
    ```
    """
    padded = {}  # dilation of the kernel that each padding is for

    def stride_before(layer):
        stride = strides.get(layer.name, 1)
        factor = layer.strides[0] if getattr(layer, "strides", None) else 1
        return stride // factor

    def dilation(layer):
        return max(1, stride_before(layer) // output_stride)

    for layer in network.layers:
        if _kernel(layer) > 1 and strides.get(layer.name, 0) > output_stride:
            for node in layer._inbound_nodes:
                for parent in node.parent_nodes:
                    if isinstance(parent.operation, keras.layers.ZeroPadding2D):
                        reach = dilation(layer) * (_kernel(layer) - 1) // 2
                        padded[parent.operation.name] = reach

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


def _kernel(layer):
    """The side of the kernel of a convolution, else 0."""
    return (getattr(layer, "kernel_size", None) or (0,))[0]
