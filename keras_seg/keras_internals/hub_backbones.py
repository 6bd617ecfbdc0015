"""The layers inside two backbones of keras-hub, whose classes are not public.

keras-hub exports `MiTBackbone` and `SwinTransformerBackbone`, but not the classes of
their layers. These functions are the only place that knows their attributes. Seen to
work with keras-hub 0.32.0.
"""

import keras


def mix_transformer_levels(backbone):
    """The layers of a Mix Transformer, level by level.

    Args:
        backbone: `keras_hub.models.MiTBackbone`.

    Returns:
        List with a triple for each level: the list of the layers of the patch
        embedding, the list of the blocks, and the normalisation of the output.
    """
    norms = [
        layer
        for layer in backbone.layers
        if isinstance(layer, keras.layers.LayerNormalization)
    ]
    levels = []
    for i, depth in enumerate(backbone.layerwise_depths):
        patches = backbone.get_layer(f"patch_and_embed_{i}")
        embedding = [patches.padding, patches.proj, patches.norm]
        blocks = [
            backbone.get_layer(f"hierarchical_encoder_{i}_{j}") for j in range(depth)
        ]
        levels.append((embedding, blocks, norms[i]))
    return levels


def copy_swin_weights(source, target):
    """Copies the weights of keras-hub's Swin Transformer.

    The normalisation of each level keeps its weights: a classifier has none.

    Args:
        source: `keras_hub.models.SwinTransformerBackbone`.
        target: `keras_seg.backbones.SwinBackbone` of the same configuration.
    """
    for theirs, ours in _swin_layers(source, target):
        ours.set_weights(theirs.get_weights())


def _swin_layers(source, target):
    """Pairs of a layer of keras-hub and the layer that takes its weights."""
    embedding = source.patch_embedding
    yield embedding.proj, target.patch_embedding.projection
    yield embedding.norm, target.patch_embedding.norm
    for stage, blocks in zip(source.stages, target.stages, strict=True):
        for theirs, ours in zip(stage.blocks, blocks, strict=True):
            yield theirs.norm1, ours.attention_norm
            yield theirs.attn.qkv, ours.attention.query_key_value
            yield theirs.attn.proj, ours.attention.projection
            # A copy: on JAX an array would be shared, and training would donate it.
            table = keras.ops.convert_to_numpy(theirs.attn.relative_position_bias_table)
            ours.attention.position_bias.assign(table.copy())
            yield theirs.norm2, ours.mlp_norm
            yield theirs.mlp.fc1, ours.mlp_expand
            yield theirs.mlp.fc2, ours.mlp_reduce
    for stage, merging in zip(source.stages, target.mergings, strict=False):
        yield stage.downsample.norm, merging.norm
        yield stage.downsample.reduction, merging.reduction
