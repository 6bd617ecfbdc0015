import re

from keras_seg.keras_internals.layer_graph import (
    parent_layers,
    source_layer,
    sublayers,
)


def layer_decay_multipliers(model, decay):
    """Multipliers of the learning rate that fall from block to block to the stem.

    A pretrained backbone is general at its stem and of its own task at its top, so the
    top may change faster. With `n` blocks the one at the stem gets `decay ** n`, the
    last one `decay`. Head and all else are not named, and keep their rate.

    Blocks are found in the graph of the backbone. One ends where paths that had split
    have all met again, as behind each residual connection, and at each level of the
    pyramid; a layer that has layers inside, such as a block of a transformer, is one
    by itself. Normalisation belongs to the block before it.

    Args:
        model: A `keras_seg.models.Segmenter`, or a backbone: a functional model, with
            `pyramid_outputs` if it has some.
        decay: Float, in `(0, 1]`.

    Returns:
        Dictionary from regular expressions to factors, from the stem on, for
        `keras_seg.optimizers.MultiplierAdamW`.

    Raises:
        ValueError: If `decay` is another, or the backbone has less than two blocks.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.SwinBackbone(8, depths=[1, 1], num_heads=[1, 1])
    factors = keras_seg.optimizers.layer_decay_multipliers(backbone, 0.5)
    print(factors["^(?:patch_embedding)/"])  # 0.0625, before two blocks and a merging
    optimizer = keras_seg.optimizers.MultiplierAdamW(
        6e-5, multipliers={"^head/": 10.0, **factors}
    )
    ```
    """
    backbone = getattr(model, "backbone", model)
    if not 0 < decay <= 1:
        raise ValueError(
            f"`decay` must be above 0 and at most 1. Received: decay={decay}."
        )
    blocks = _blocks(backbone)
    if len(blocks) < 2:
        raise ValueError(
            f"{type(backbone).__name__} '{backbone.name}' has less than two blocks "
            "that could differ, expected a functional model with a backbone's layers. "
            "Give `MultiplierAdamW` multipliers of your own."
        )
    return {
        f"^(?:{'|'.join(map(re.escape, paths))})/": decay ** (len(blocks) - i)
        for i, paths in enumerate(blocks)
    }


def _blocks(backbone):
    """The paths of the layers with weights, block by block, the stem first."""
    layers = backbone.layers  # parents stand before their children
    inside = set(layers)
    parents = {layer: inside.intersection(parent_layers(layer)) for layer in layers}
    outputs = getattr(backbone, "pyramid_outputs", None) or {"": backbone.outputs[0]}
    levels = [source_layer(outputs[level]) for level in sorted(outputs)]
    ends = {*levels, *_meeting_points(layers, parents, levels[-1])}
    steps, blocks = {}, {}
    for layer in layers:
        before = [steps[parent] + (parent in ends) for parent in parents[layer]]
        steps[layer] = max(before, default=0) + bool(sublayers(layer))
        if layer.weights:
            blocks.setdefault(steps[layer], []).append(layer.path)
    return [blocks[step] for step in sorted(blocks)]


def _meeting_points(layers, parents, last):
    """Layers on the way to the last one where all paths meet that had split."""
    needed = {last}
    for layer in reversed(layers):
        if layer in needed:
            needed |= parents[layer]
    way = [layer for layer in layers if layer in needed]
    place = {layer: i for i, layer in enumerate(way)}
    furthest = dict.fromkeys(way, 0)  # the last place that a layer leads to directly
    for layer in way:
        for parent in parents[layer]:
            furthest[parent] = max(furthest[parent], place[layer])
    found, reach = set(), 0
    for layer in way:
        if len(parents[layer]) > 1 and reach <= place[layer]:
            found.add(layer)
        reach = max(reach, furthest[layer])
    return found
