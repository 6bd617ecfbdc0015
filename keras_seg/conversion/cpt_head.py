"""Copies published CPT head weights into a `CPTHead`."""

from keras_seg.conversion.published_weights import (
    attention_layers,
    check_built,
    load_targets,
    published_shapes,
    targets_of,
)


def load_cpt_head(head, arrays):
    """Loads a published CPT head, array by array, into a built head.

    Nothing is assigned unless every array fits.

    Args:
        head: A built `keras_seg.layers.CPTHead` of at least two levels, whose source
            is `"memory"`, or `"prototypes"` for a checkpoint without memory.
        arrays: Mapping from the names of the published state dict
            (`"lateral_convs.0.weight"`, ...) to arrays in torch's layout: convolution
            kernels `(out, in / groups, kh, kw)`, dense kernels `(out, in)`.

    Raises:
        ValueError: If the head is not built, has another source, or names are missing,
            unknown, or have arrays of another shape; all of them are listed.

    Example:

    ```python
    import numpy as np
    import keras_seg

    head = keras_seg.layers.CPTHead(num_classes=3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    names = keras_seg.conversion.cpt_head_names(head)
    arrays = {name: np.zeros(shape, "float32") for name, shape in names.items()}
    keras_seg.conversion.load_cpt_head(head, arrays)
    ```
    """
    load_targets(head, cpt_head_targets(head), arrays)


def cpt_head_names(head):
    """Lists the published names that `load_cpt_head` expects.

    Args:
        head: A built `keras_seg.layers.CPTHead`.

    Returns:
        Dictionary from name to the shape of the array in torch's layout.

    Example:

    ```python
    import keras_seg

    head = keras_seg.layers.CPTHead(num_classes=3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    print(keras_seg.conversion.cpt_head_names(head)["conv_seg.weight"])
    ```
    """
    return published_shapes(cpt_head_targets(head))


def cpt_head_targets(head):
    """Dictionary from published names to pairs of a variable and its kind."""
    return targets_of(_layers(head))


def _layers(head):
    """Maps the prefixes of published names to layers."""
    check_built(head)
    if not head.has_masks:
        raise ValueError(
            "There are no published weights of a head without prototypes. Received: "
            f"source='{head.source}'. Use 'memory' or 'prototypes'."
        )
    layers = {f"lateral_convs.{i}": layer for i, layer in enumerate(head.laterals)}
    for i, update in enumerate(head.updates):
        attention, prototypes = update.attention, update.prototypes
        prefix = f"cft_blocks.{i}.cross_attn.kv"
        layers |= attention_layers(f"cft_blocks.{i}", attention)
        layers |= {
            f"cft_blocks.{i}.norm_high": update.coarse_norm,
            f"{prefix}.mask_learner.0": prototypes.mask_projection,
            f"{prefix}.mask_learner.1": prototypes.mask_classifier,
            f"{prefix}.align_conv": prototypes.alignment,
            f"{prefix}.cf_embed": attention.key_value,
        }
        if update.memory is not None:
            layers[prefix] = update.memory
    layers |= {f"fpn_convs.{i}": layer for i, layer in enumerate(head.smoothings)}
    layers |= {"fusion_conv.conv": head.fusion, "fusion_conv.bn": head.fusion_norm}
    if head.pool_dim:
        layers |= {
            "img_pool.1.conv": head.image_pool.projection,
            "img_pool.1.bn": head.image_pool.norm,
        }
    layers["conv_seg"] = head.classifier
    return layers
