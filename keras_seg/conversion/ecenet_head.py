"""Names of the published weights of ECENet heads."""

from keras_seg.conversion.published_weights import attention_layers


def ecenet_head_layers(head):
    """Dictionary from the prefixes of published names to layers of an `ECENetHead`."""
    layers = {}
    for i, layer in enumerate(head.reconstructions):
        layers |= {
            f"layer_slcts.{i}.primary.0": layer.intrinsic,
            f"layer_slcts.{i}.primary.1": layer.intrinsic_norm,
            f"layer_slcts.{i}.cheap.0": layer.diverse,
            f"layer_slcts.{i}.cheap.1": layer.diverse_norm,
            f"layer_slcts.{i}.layer_channel_slct.0": layer.squeeze,
            f"layer_slcts.{i}.layer_channel_slct.2": layer.excite,
            f"layer_slcts.{i}.conv_out": layer.join,
            f"norms.{i}": layer.norm,
            f"laterals.{i}": head.laterals[i],
            f"token_emb.{i}.cls_learner": head.extractions[i].projection,
        }
    layers |= {"learner.0": head.mask_projection, "learner.1": head.mask_classifier}
    for i, layer in enumerate(head.attentions):
        layers |= attention_layers(f"transfer.{i}", layer)
        layers |= {
            f"transfer.{i}.norm_high": layer.class_norm,
            f"transfer.{i}.cross_attn.kv": layer.key_value,
        }
    for i, layer in enumerate(head.updaters if head.gated else []):
        layers |= {
            f"gated_tokens.{i}.dynamic_layer": layer.update_projection,
            f"gated_tokens.{i}.input_layer": layer.state_projection,
            f"gated_tokens.{i}.update_gate": layer.gate_projection,
            f"gated_tokens.{i}.norm_in": layer.gate_norm,
            f"gated_tokens.{i}.norm_out": layer.update_norm,
            f"gated_tokens.{i}.fc_layer": layer.output_projection,
            f"gated_tokens.{i}.fc_norm": layer.output_norm,
        }
    for i, upsamplings in enumerate(head.upsamplings):
        for j, layer in enumerate(upsamplings):
            prefix = f"ghost_up_layers.{i}.layers.{j}"
            layers |= {
                f"{prefix}.primary.conv": layer.primary,
                f"{prefix}.primary.bn": layer.primary_norm,
                f"{prefix}.cheap.conv": layer.cheap,
                f"{prefix}.cheap.bn": layer.cheap_norm,
            }
    layers |= {
        "proj.conv": head.fusion,
        "proj.bn": head.fusion_norm,
        "conv_seg": head.classifier,
        "trans": head.class_term,
    }
    return layers
