import re

from keras_seg.keras_internals.layer_graph import (
    parent_layers,
    source_layer,
    sublayers,
)


def layer_decay_multipliers(model, decay) -> dict:
    """Learning rate multipliers that decrease from the last block to the stem.

    The first layers of a pretrained backbone are general and the last ones are specific
    to its task, so the last ones may be trained faster. With `n` blocks the first one
    gets `decay ** n` and the last one `decay`. Other layers, such as the head, get no
    multiplier.

    Blocks are found in the graph of the backbone. A block ends where all branches are
    merged, as after a residual connection, and at each level of the pyramid. A layer
    with sublayers, such as a transformer block, is a block by itself. A normalisation
    layer belongs to the block before it.

    Args:
        model: A `keras_seg.models.Segmenter`, or a backbone, which is a functional
            model with or without `pyramid_outputs`.
        decay: Float in `(0, 1]`.

    Returns:
        Dictionary from regular expressions to factors, the stem first, for
        `keras_seg.optimizers.MultiplierAdamW`.

    Raises:
        ValueError: If `decay` is out of range, or the backbone has fewer than two
            blocks.

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
            f"{type(backbone).__name__} '{backbone.name}' has fewer than two blocks "
            "with weights. Expected a functional model with the layers of a backbone. "
            "Pass custom multipliers to `MultiplierAdamW` instead."
        )
    return {
        f"^(?:{'|'.join(map(re.escape, paths))})/": decay ** (len(blocks) - i)
        for i, paths in enumerate(blocks)
    }


def _blocks(backbone):
    """The paths of the layers with weights, block by block, the stem first."""
    layers = backbone.layers  # parents come before their children
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
    """Layers on the paths to the last one at which all branches are merged."""
    needed = {last}
    for layer in reversed(layers):
        if layer in needed:
            needed |= parents[layer]
    way = [layer for layer in layers if layer in needed]
    place = {layer: i for i, layer in enumerate(way)}
    furthest = dict.fromkeys(way, 0)  # place of the last direct child
    for layer in way:
        for parent in parents[layer]:
            furthest[parent] = max(furthest[parent], place[layer])
    found, reach = set(), 0
    for layer in way:
        if len(parents[layer]) > 1 and reach <= place[layer]:
            found.add(layer)
        reach = max(reach, furthest[layer])
    return found
