"""Copies published ECENet head weights into an `ECENetHead`."""

import numpy as np


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
    targets = _targets(head)
    problems = [f"missing: {name}" for name in targets if name not in arrays]
    problems += [f"unknown: {name}" for name in arrays if name not in targets]
    for name, (variable, kind) in targets.items():
        expected = _published_shape(variable, kind)
        if name in arrays and tuple(np.shape(arrays[name])) != expected:
            problems.append(
                f"misshapen: {name} has shape {tuple(np.shape(arrays[name]))}, "
                f"expected {expected}"
            )
    if problems:
        raise ValueError(
            f"{len(problems)} arrays do not fit this ECENetHead (num_classes="
            f"{head.num_classes}, hidden_dim={head.hidden_dim}); nothing was loaded. "
            "Build the head with the configuration of the checkpoint and strip "
            "prefixes from the names.\n  " + "\n  ".join(problems)
        )
    for name, (variable, kind) in targets.items():
        variable.assign(_to_keras(np.asarray(arrays[name]), kind, variable.shape))


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
    return {
        name: _published_shape(variable, kind)
        for name, (variable, kind) in _targets(head).items()
    }


def _targets(head):
    """Maps published names to pairs of a variable and its kind."""
    if not head.built:
        raise ValueError(
            "The head has no weights yet. Call `head.build(shapes)` with the shapes "
            "of the pyramid features, or call the head once, before loading."
        )
    names = {}

    def add(prefix, layer):
        for variable in layer.weights:
            kind = variable.path.split("/")[-1]
            if kind == "kernel":
                kind = f"{type(layer).__name__}_kernel"
            names[f"{prefix}.{_SUFFIXES.get(kind, 'weight')}"] = (variable, kind)

    for i, layer in enumerate(head.reconstructions):
        add(f"layer_slcts.{i}.primary.0", layer.intrinsic)
        add(f"layer_slcts.{i}.primary.1", layer.intrinsic_norm)
        add(f"layer_slcts.{i}.cheap.0", layer.diverse)
        add(f"layer_slcts.{i}.cheap.1", layer.diverse_norm)
        add(f"layer_slcts.{i}.layer_channel_slct.0", layer.squeeze)
        add(f"layer_slcts.{i}.layer_channel_slct.2", layer.excite)
        add(f"layer_slcts.{i}.conv_out", layer.join)
        add(f"norms.{i}", layer.norm)
        add(f"laterals.{i}", head.laterals[i])
        add(f"token_emb.{i}.cls_learner", head.extractions[i].projection)
    add("learner.0", head.mask_projection)
    add("learner.1", head.mask_classifier)
    for i, layer in enumerate(head.attentions):
        add(f"transfer.{i}.norm_low", layer.features_norm)
        add(f"transfer.{i}.norm_high", layer.class_norm)
        add(f"transfer.{i}.norm_mlp", layer.mlp_norm)
        query = f"transfer.{i}.cross_attn.q"
        add(f"{query}.depthwise_conv.conv", layer.query_depthwise)
        add(f"{query}.pointwise_conv.conv", layer.query_pointwise)
        add(f"transfer.{i}.cross_attn.kv", layer.key_value)
        add(f"transfer.{i}.cross_attn.proj", layer.projection)
        add(f"transfer.{i}.mlp.0", layer.mlp_expand)
        add(f"transfer.{i}.mlp.1", layer.mlp_depthwise)
        add(f"transfer.{i}.mlp.4", layer.mlp_reduce)
    for i, layer in enumerate(head.updaters if head.gated else []):
        add(f"gated_tokens.{i}.dynamic_layer", layer.update_projection)
        add(f"gated_tokens.{i}.input_layer", layer.state_projection)
        add(f"gated_tokens.{i}.update_gate", layer.gate_projection)
        add(f"gated_tokens.{i}.norm_in", layer.gate_norm)
        add(f"gated_tokens.{i}.norm_out", layer.update_norm)
        add(f"gated_tokens.{i}.fc_layer", layer.output_projection)
        add(f"gated_tokens.{i}.fc_norm", layer.output_norm)
    for i, upsamplings in enumerate(head.upsamplings):
        for j, layer in enumerate(upsamplings):
            prefix = f"ghost_up_layers.{i}.layers.{j}"
            add(f"{prefix}.primary.conv", layer.primary)
            add(f"{prefix}.primary.bn", layer.primary_norm)
            add(f"{prefix}.cheap.conv", layer.cheap)
            add(f"{prefix}.cheap.bn", layer.cheap_norm)
    add("proj.conv", head.fusion)
    add("proj.bn", head.fusion_norm)
    add("conv_seg", head.classifier)
    add("trans", head.class_term)
    return names


_SUFFIXES = {
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _published_shape(variable, kind):
    shape = tuple(variable.shape)
    if kind == "Conv2D_kernel":
        return (shape[3], shape[2], shape[0], shape[1])
    if kind == "DepthwiseConv2D_kernel":
        return (shape[2], 1, shape[0], shape[1])
    if kind == "Dense_kernel":
        return (shape[1], shape[0])
    if kind == "GroupedDense_kernel":
        return (shape[0] * shape[2], shape[1], 1, 1)
    return shape


def _to_keras(array, kind, shape):
    if kind == "Conv2D_kernel":
        return array.transpose(2, 3, 1, 0)
    if kind == "DepthwiseConv2D_kernel":
        return array.transpose(2, 3, 0, 1)
    if kind == "Dense_kernel":
        return array.T
    if kind == "GroupedDense_kernel":
        groups, inputs, outputs = shape
        return array.reshape(groups, outputs, inputs).transpose(0, 2, 1)
    return array
