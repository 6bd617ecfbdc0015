"""Splits the names of a checkpoint into those of a backbone and of a head."""

import re

# Prefixes that training code adds to all names.
WRAPPERS = re.compile(r"^(?:(?:module|model|network)\.)+")
# MindSpore's names and torch's.
SUFFIXES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Used only in training.
TRAINING = re.compile(
    r"""
    .*\.num_batches_tracked$
    |auxiliary_head\.
    |(?:moments?|moment[12]|accum|adam_[mv])\.
    |(?:global_step|learning_rate|beta[12]_power|epoch_num|step_num|scale_sense)$
    |(?:loss_scale|current_iterator_step|last_overflow_iterator_step)$
    """,
    re.VERBOSE,
)


def published_parts(arrays):
    """Sorts the arrays of a checkpoint by backbone and head, without prefixes.

    Args:
        arrays: Dictionary from names to arrays.

    Returns:
        Triple of a dictionary for the backbone, one for the head, and the list of
        names that belong to neither.

    Raises:
        ValueError: If two names become the same.

    Example:

    ```python
    from keras_seg.conversion.published_names import published_parts

    print(published_parts({"module.backbone.norm0.gamma": 1.0}))
    # ({'norm0.weight': 1.0}, {}, [])
    ```
    """
    parts = {"backbone": {}, "decode_head": {}}
    others = []
    for name, short in _plain_names(arrays):
        head, _, rest = short.partition(".")
        if head not in parts:
            others.append(name)
            continue
        stem, dot, suffix = rest.rpartition(".")
        rest = stem + dot + SUFFIXES.get(suffix, suffix)
        if rest in parts[head]:
            raise _twice(f"{head}.{rest}", name)
        parts[head][rest] = arrays[name]
    return parts["backbone"], parts["decode_head"], others


def plain_arrays(arrays):
    """The arrays of a checkpoint of one part, without prefixes.

    Args:
        arrays: Dictionary from names to arrays.

    Returns:
        Dictionary of the same, without those that only training uses.

    Raises:
        ValueError: If two names become the same.
    """
    plain = {}
    for name, short in _plain_names(arrays):
        if short in plain:
            raise _twice(short, name)
        plain[short] = arrays[name]
    return plain


def _plain_names(arrays):
    """Pairs of each name and the same without prefixes, but for those of training."""
    pairs = [(name, WRAPPERS.sub("", name)) for name in arrays]
    return [(name, short) for name, short in pairs if not TRAINING.match(short)]


def _twice(short, name):
    return ValueError(
        f"The checkpoint holds '{short}' twice, the second time as '{name}'. Take one "
        "of them out."
    )
