"""Names of the published weights of CPT heads."""

from keras_seg.conversion.published_weights import attention_layers


def cpt_head_layers(head):
    """Dictionary from the prefixes of published names to layers of a `CPTHead`."""
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
