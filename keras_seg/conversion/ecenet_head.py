"""Copies published ECENet head weights into an `ECENetHead`."""

from keras_seg.conversion.published_weights import (
    attention_layers,
    check_built,
    load_targets,
    published_shapes,
    targets_of,
)


def load_ecenet_head(head, arrays):
    """Loads a published ECENet head, array by array, into a built head.

    Nothing is assigned unless every array fits.

    Args:
        head: A built `keras_seg.layers.ECENetHead`.
        arrays: Mapping from the names of the published state dict
            (`"laterals.0.weight"`, ...) to arrays in torch's layout: convolution
            kernels `(out, in / groups, kh, kw)`, dense kernels `(out, in)`.

    Raises:
        ValueError: If the head is not built, or names are missing, unknown, or
            have arrays of another shape; all of them are listed.

    Example:

    ```python
    import numpy as np
    import keras_seg

    head = keras_seg.layers.ECENetHead(num_classes=3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    names = keras_seg.conversion.ecenet_head_names(head)
    arrays = {name: np.zeros(shape, "float32") for name, shape in names.items()}
    keras_seg.conversion.load_ecenet_head(head, arrays)
    ```
    """
    load_targets(head, ecenet_head_targets(head), arrays)


def ecenet_head_names(head):
    """Lists the published names that `load_ecenet_head` expects.

    Args:
        head: A built `keras_seg.layers.ECENetHead`.

    Returns:
        Dictionary from name to the shape of the array in torch's layout.

    Example:

    ```python
    import keras_seg

    head = keras_seg.layers.ECENetHead(num_classes=3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    print(keras_seg.conversion.ecenet_head_names(head)["conv_seg.weight"])
    ```
    """
    return published_shapes(ecenet_head_targets(head))


def ecenet_head_targets(head):
    """Dictionary from published names to pairs of a variable and its kind."""
    return targets_of(_layers(head))


def _layers(head):
    """Maps the prefixes of published names to layers."""
    check_built(head)
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
