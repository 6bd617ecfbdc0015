"""Names, layout and checks that all published weights share."""

import numpy as np

SUFFIXES = {
    "bias": "bias",
    "beta": "bias",
    "memory": "memory",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Kinds of kernels, see `targets_of`.
CONVOLUTIONS = ("Conv2D_kernel", "GroupedConv2D_kernel")
DEPTHWISE_CONVOLUTIONS = ("DepthwiseConv2D_kernel", "ScaledDepthwiseConv2D_kernel")
# Names come from files of unknown origin.
MAX_LINE, MAX_LINES = 300, 100


def check_built(head):
    """Raises `ValueError` if a head has no weights yet."""
    if not head.built:
        raise ValueError(
            "The head has no weights yet. Call `head.build(shapes)` with the shapes "
            "of the pyramid features, or call the head once, before loading."
        )


def targets_of(layers):
    """The variables that published arrays go to.

    Args:
        layers: Dictionary from prefixes in the published names to layers.

    Returns:
        Dictionary from published names to pairs of a variable and its kind.
    """
    targets = {}
    for prefix, layer in layers.items():
        for variable in layer.weights:
            kind = variable.path.split("/")[-1]
            if kind == "kernel":
                kind = f"{type(layer).__name__}_kernel"
            if kind != "step":  # a counter that published code lacks
                name = f"{prefix}.{SUFFIXES.get(kind, 'weight')}"
                targets[name] = (variable, kind)
    return targets


def attention_layers(prefix, attention):
    """The names of a `SemanticsAttention` that ECENet and CPT share."""
    query = f"{prefix}.cross_attn.q"
    return {
        f"{prefix}.norm_low": attention.features_norm,
        f"{query}.depthwise_conv.conv": attention.query_depthwise,
        f"{query}.pointwise_conv.conv": attention.query_pointwise,
        f"{prefix}.cross_attn.proj": attention.projection,
        f"{prefix}.norm_mlp": attention.mlp_norm,
        f"{prefix}.mlp.0": attention.mlp_expand,
        f"{prefix}.mlp.1": attention.mlp_depthwise,
        f"{prefix}.mlp.4": attention.mlp_reduce,
    }


def load_targets(what, targets, arrays, advice, problems=()):
    """Assigns every array to its variable, or nothing if one does not fit.

    Args:
        what: String. What is loaded, for the message.
        targets: Dictionary, see `targets_of`.
        arrays: Dictionary from published names to arrays.
        advice: String. What to do if something does not fit.
        problems: Sequence of lines about what was found before.

    Raises:
        ValueError: If there are problems, or names are missing, unknown, or have
            arrays that do not fit; all of them are listed.
    """
    problems = [*problems, *misfits(targets, arrays)]
    if problems:
        raise ValueError(
            f"{len(problems)} arrays do not fit this {what}; nothing was loaded. "
            f"{advice}\n  " + "\n  ".join(list_problems(problems))
        )
    for name, (variable, kind) in targets.items():
        array = np.array(arrays[name], "float32")
        variable.assign(_to_keras(array, kind, variable.shape))


def list_problems(problems):
    """Lines for an error: printable, each short, and not too many."""
    lines = [
        "".join(x if x.isprintable() else repr(x)[1:-1] for x in problem[:MAX_LINE])
        for problem in problems[:MAX_LINES]
    ]
    more = len(problems) - len(lines)
    return [*lines, f"and {more:,} more"] if more > 0 else lines


def misfits(targets, arrays):
    """One line for each array that is missing, unknown, misshapen or not of numbers."""
    problems = [f"missing: {name}" for name in targets if name not in arrays]
    problems += [f"unknown: {name}" for name in arrays if name not in targets]
    for name, expected in published_shapes(targets).items():
        if name not in arrays:
            continue
        array = np.asarray(arrays[name])
        if array.shape != expected:
            problems.append(
                f"misshapen: {name} has shape {array.shape}, expected {expected}"
            )
        elif array.dtype.kind != "f":
            problems.append(f"not floating point: {name} is of type {array.dtype}")
        elif not np.isfinite(array).all():
            problems.append(f"not finite: {name}")
    return problems


def published_shapes(targets):
    """Dictionary from published names to shapes in torch's layout."""
    return {
        name: _published_shape(tuple(variable.shape), kind)
        for name, (variable, kind) in targets.items()
    }


def _published_shape(shape, kind):
    if kind in CONVOLUTIONS:
        return (shape[3], shape[2], shape[0], shape[1])
    if kind in DEPTHWISE_CONVOLUTIONS:
        return (shape[2], 1, shape[0], shape[1])
    if kind == "Dense_kernel":
        return (shape[1], shape[0])
    if kind == "GroupedDense_kernel":
        return (shape[0] * shape[2], shape[1], 1, 1)
    if kind == "memory":
        return (1, *shape)
    if kind == "alpha":
        return shape[-1:]
    if kind == "merged_kernel":
        return (shape[1], shape[0])
    return shape


def _to_keras(array, kind, shape):
    if kind in CONVOLUTIONS:
        return array.transpose(2, 3, 1, 0)
    if kind in DEPTHWISE_CONVOLUTIONS:
        return array.transpose(2, 3, 0, 1)
    if kind == "Dense_kernel":
        return array.T
    if kind == "GroupedDense_kernel":
        groups, inputs, outputs = shape
        return array.reshape(groups, outputs, inputs).transpose(0, 2, 1)
    if kind == "memory":
        return array[0]
    if kind == "alpha":
        return array.reshape(shape)
    if kind in ("merged", "merged_kernel"):
        return _unfolded(array).T
    return array


def _unfolded(array):
    """From torch's order of four neighbours to that of `PatchMerging`.

    Torch unfolds a map to (channel, row, column), where (column, row, channel) is
    expected.
    """
    parts = array.reshape(*array.shape[:-1], -1, 2, 2)  # (..., C, row, column)
    return parts.swapaxes(-1, -3).reshape(array.shape)  # (..., 4C)
