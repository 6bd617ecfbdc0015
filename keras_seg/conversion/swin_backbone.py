"""Names of published Swin weights, as two code bases write them."""

import re

import numpy as np

from keras_seg.backbones.swin.window_attention import relative_position
from keras_seg.conversion.published_weights import targets_of

# Names in the first code of Swin, and those in mmsegmentation.
FIRST_NAMES = (
    (r"^layers\.", "stages."),
    (r"^patch_embed\.proj\.", "patch_embed.projection."),
    (r"\.attn\.(?!w_msa\.)", ".attn.w_msa."),
    (r"\.mlp\.fc1\.", ".ffn.layers.0.0."),
    (r"\.mlp\.fc2\.", ".ffn.layers.1."),
)


def swin_targets(backbone, arrays):
    """The variables of a `SwinBackbone` by the names that a checkpoint gives them.

    Args:
        backbone: A `keras_seg.backbones.SwinBackbone`.
        arrays: Dictionary from names, without the prefix `backbone.`, to arrays. Its
            names tell which of the two code bases they come from: these also differ
            in the order of neighbours in the merging of patches.

    Returns:
        Dictionary from names as mmsegmentation has them to pairs of a variable and
        its kind.
    """
    prefixes = {
        "patch_embed.projection": backbone.patch_embedding.projection,
        "patch_embed.norm": backbone.patch_embedding.norm,
    }
    tables, merged = {}, {}
    kinds = ("beta", "Dense_kernel") if _is_first(arrays) else ("merged",) * 2
    for i, blocks in enumerate(backbone.stages):
        for j, block in enumerate(blocks):
            prefix = f"stages.{i}.blocks.{j}"
            attention = f"{prefix}.attn.w_msa"
            prefixes |= {
                f"{prefix}.norm1": block.attention_norm,
                f"{attention}.qkv": block.attention.query_key_value,
                f"{attention}.proj": block.attention.projection,
                f"{prefix}.norm2": block.mlp_norm,
                f"{prefix}.ffn.layers.0.0": block.mlp_expand,
                f"{prefix}.ffn.layers.1": block.mlp_reduce,
            }
            name = f"{attention}.relative_position_bias_table"
            tables[name] = (block.attention.position_bias, "table")
        prefixes[f"norm{i}"] = backbone.norms[i]
    for i, merging in enumerate(backbone.mergings):
        prefix = f"stages.{i}.downsample"
        kernel = kinds[1] if kinds[1] == "Dense_kernel" else "merged_kernel"
        merged |= {
            f"{prefix}.norm.weight": (merging.norm.gamma, kinds[0]),
            f"{prefix}.norm.bias": (merging.norm.beta, kinds[0]),
            f"{prefix}.reduction.weight": (merging.reduction.kernel, kernel),
        }
    return {**targets_of(prefixes), **tables, **merged}


def swin_arrays(backbone, arrays):
    """Arrays by the names of `swin_targets`, and one line for each wrong constant.

    Published checkpoints hold the index of relative positions, which follows from the
    size of the windows. One that differs means another layout of the tables.
    """
    if _is_first(arrays):
        for pattern, replacement in FIRST_NAMES:
            arrays = {re.sub(pattern, replacement, k): v for k, v in arrays.items()}
    kept, problems = {}, []
    for name, array in arrays.items():
        if name.endswith(".relative_position_index"):
            if not np.array_equal(array, relative_position(backbone.window_size)):
                problems.append(
                    f"not of windows of {backbone.window_size} positions a side, row "
                    f"by row: {name}"
                )
        elif not name.endswith(".attn_mask"):
            kept[name] = array
    return kept, problems


def _is_first(arrays):
    return any(re.match(r"layers\.\d+\.blocks\.", name) for name in arrays)
