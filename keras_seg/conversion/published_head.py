"""Published weights of a head: their names, their shapes, and how they are loaded."""

from keras_seg.conversion.cpt_head import cpt_head_layers
from keras_seg.conversion.ecenet_head import ecenet_head_layers
from keras_seg.conversion.published_weights import (
    check_built,
    load_targets,
    published_shapes,
    targets_of,
)
from keras_seg.layers.cpt.cpt_head import CPTHead
from keras_seg.layers.ecenet.ecenet_head import ECENetHead

# The functions that list the layers of a head by the prefixes of published names.
LAYERS = {ECENetHead: ecenet_head_layers, CPTHead: cpt_head_layers}


def load_head(head, arrays) -> None:
    """Loads published weights, array by array, into a built head.

    Nothing is assigned unless every array fits.

    Args:
        head: A built `keras_seg.layers.ECENetHead`, or a built
            `keras_seg.layers.CPTHead` of at least two levels, whose source is
            `"memory"`, or `"prototypes"` for a checkpoint without memory.
        arrays: Dictionary from the names of the published state dict
            (`"conv_seg.weight"`, ...) to arrays in torch's layout: convolution
            kernels `(out, in / groups, kh, kw)`, dense kernels `(out, in)`.

    Raises:
        ValueError: If the head is not built, there are no published weights of such a
            head, or names are missing, unknown, or have arrays of another shape; all
            of them are listed.

    Example:

    ```python
    import numpy as np
    import keras_seg

    head = keras_seg.layers.ECENetHead(num_classes=3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    names = keras_seg.conversion.head_names(head)
    arrays = {name: np.zeros(shape, "float32") for name, shape in names.items()}
    keras_seg.conversion.load_head(head, arrays)
    ```
    """
    load_targets(
        f"{type(head).__name__} (num_classes={head.num_classes}, "
        f"hidden_dim={head.hidden_dim})",
        head_targets(head),
        arrays,
        "Build the head with the configuration of the checkpoint and strip prefixes "
        "from the names.",
    )


def head_names(head) -> dict:
    """Lists the published names that `load_head` expects.

    Args:
        head: A built `keras_seg.layers.ECENetHead` or `keras_seg.layers.CPTHead`.

    Returns:
        Dictionary from name to the shape of the array in torch's layout.

    Raises:
        ValueError: If the head is not built, or there are no published weights of it.

    Example:

    ```python
    import keras_seg

    head = keras_seg.layers.CPTHead(num_classes=3, hidden_dim=8, num_heads=2)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    print(keras_seg.conversion.head_names(head)["conv_seg.weight"])
    ```
    """
    return published_shapes(head_targets(head))


def head_targets(head):
    """Dictionary from published names to pairs of a variable and its kind."""
    for head_class, layers in LAYERS.items():
        if isinstance(head, head_class):
            check_built(head)
            return targets_of(layers(head))
    raise ValueError(
        f"There are no published weights of the head {type(head).__name__}: no code of "
        "the method is public. ECENet and CPT can be converted."
    )
