import collections
import re

import keras

from keras_seg.keras_internals.layer_graph import (
    parent_layers,
    source_layer,
    sublayers,
)

# With weights, but no block by themselves.
AFTER_A_BLOCK = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.PReLU,
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
    layer or a PReLU between two blocks belongs to the first one. A decoder, which is
    all that does not lead to a level of the encoder, is the last block.

    Args:
        model: A `keras_seg.models.Segmenter`, or a backbone, which is a functional
            model with or without `pyramid_outputs`. A backbone with a decoder has its
            levels without it in `encoder_outputs`.
        decay: Float in `(0, 1]`.

    Returns:
        Dictionary from regular expressions to factors, the stem first, for
        `keras_seg.optimizers.MultiplierAdamW`.

    Raises:
        ValueError: If `decay` is out of range, or the backbone has fewer than two
            blocks, or fewer than levels with weights of their own.

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
    blocks, levels = _blocks(backbone)
    if len(blocks) < max(2, levels):
        raise ValueError(
            f"{type(backbone).__name__} '{backbone.name}' has {len(blocks)} blocks "
            f"with weights. Expected at least {max(2, levels)}: two, and one for each "
            "level of the pyramid. Give a backbone with a decoder the attribute "
            "`encoder_outputs`, a dictionary of its levels without the decoder, or "
            "pass custom multipliers to `MultiplierAdamW` instead."
        )
    return {
        f"^(?:{'|'.join(map(re.escape, paths))})/": decay ** (len(blocks) - i)
        for i, paths in enumerate(blocks)
    }


def _levels(backbone):
    """The layers at which the levels of the encoder end, the finest first."""
    outputs = getattr(backbone, "encoder_outputs", None)
    outputs = outputs or getattr(backbone, "pyramid_outputs", None)
    outputs = outputs or {"": backbone.outputs[0]}
    return [source_layer(outputs[level]) for level in sorted(outputs)]


def _blocks(backbone):
    """The paths of the layers with weights, block by block, the stem first.

    Returns:
        List of the lists of paths, and the number of levels that have weights of
        their own, or no place in the graph.
    """
    levels = _levels(backbone)
    # Sums may be operations that are no layers. Parents come before their children.
    layers = backbone.operations
    inside = set(layers)
    parents = {layer: inside.intersection(parent_layers(layer)) for layer in layers}
    ends = {*levels, *_meeting_points(layers, parents, levels[-1])}
    _move_behind(ends, layers, parents)
    encoder, steps, blocks, decoder = _leading_to(levels, layers, parents), {}, {}, []
    for layer in layers:
        before = [steps[parent] + (parent in ends) for parent in parents[layer]]
        steps[layer] = max(before, default=0)
        if not isinstance(layer, keras.layers.Layer):
            continue
        steps[layer] += bool(sublayers(layer))
        if layer.weights and layer in encoder:
            blocks.setdefault(steps[layer], []).append(layer.path)
        elif layer.weights:
            decoder.append(layer.path)
    # A level that leads nowhere is not in the graph, and the last may be a pooling.
    count = sum(steps.get(level, 0) in blocks for level in levels)
    paths = [blocks[step] for step in sorted(blocks)]
    return [*paths, decoder] if decoder else paths, count


def _leading_to(ends, layers, parents):
    """The given layers and those on the paths to them."""
    found = set(ends)
    for layer in reversed(layers):
        if layer in found:
            found |= parents[layer]
    return found


def _move_behind(ends, layers, parents):
    """Lets a block end at a normalisation or PReLU that alone takes its output."""
    children = collections.Counter(x for layer in layers for x in parents[layer])
    for layer in layers:
        for parent in ends & parents[layer]:
            if isinstance(layer, AFTER_A_BLOCK) and children[parent] == 1:
                ends.remove(parent)
                ends.add(layer)


def _meeting_points(layers, parents, last):
    """Layers on the paths to the last one at which all branches are merged."""
    needed = _leading_to([last], layers, parents)
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
