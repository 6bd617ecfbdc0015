"""Names of published ResNet weights, torchvision's, which mmsegmentation keeps."""

from keras_seg.conversion.published_weights import targets_of

DEEP_STEM = {
    "input_conv_filters": [32, 32, 64],
    "input_conv_kernel_sizes": [3, 3, 3],
}


def resnet_targets(backbone):
    """The variables of a ResNet of keras-hub by their published names.

    Args:
        backbone: A `keras_hub.models.ResNetBackbone` with bottleneck or basic blocks,
            or a `keras_seg.backbones.DilatedResNetBackbone`.

    Returns:
        Dictionary from names, without the prefix `backbone.`, to pairs of a variable
        and its kind.
    """
    layers = {layer.name: layer for layer in backbone.layers if layer.weights}
    prefixes = {}
    for name, layer in layers.items():
        prefix = _published(name, "conv2_conv" in layers)
        if prefix is None:
            raise ValueError(
                f"There is no published name for the layer '{name}' of "
                f"{type(backbone).__name__}. Weights of plain ResNets can be converted."
            )
        prefixes[prefix] = layer
    return targets_of(prefixes)


def has_deep_stem(names):
    """Whether names, without the prefix, are of a ResNet that begins with 3 3x3s."""
    return any(name.startswith("stem.") for name in names)


def _published(name, deep):
    """The published prefix of a layer such as `"stack0_block1_2_conv"`."""
    first, *rest = name.split("_")
    if first.startswith("conv") and len(rest) == 1:
        index = int(first.removeprefix("conv"))
        if deep:
            return f"stem.{3 * (index - 1) + (rest[0] == 'bn')}"
        return "conv1" if rest[0] == "conv" else "bn1"
    if not first.startswith("stack") or len(rest) != 3:
        return None
    stack, block = int(first.removeprefix("stack")), rest[0].removeprefix("block")
    prefix, (index, kind) = f"layer{stack + 1}.{block}", rest[1:]
    if index == "0":
        return f"{prefix}.downsample.{0 if kind == 'conv' else 1}"
    return f"{prefix}.{kind}{index}"
