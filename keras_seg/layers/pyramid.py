"""What the heads have in common: the list of features that they take."""


def check_pyramid(name, shapes, least):
    """The shapes of a feature pyramid as tuples.

    Args:
        name: Class name of the head, for the message.
        shapes: What its `build` was called with.
        least: Integer, the number of levels that it needs.

    Raises:
        ValueError: If it is not a list of at least `least` shapes of rank 4.
    """
    if (
        not isinstance(shapes, (list, tuple))
        or len(shapes) < least
        or not all(isinstance(s, (list, tuple)) and len(s) == 4 for s in shapes)
    ):
        number = "one feature map" if least == 1 else f"{least} feature maps"
        raise ValueError(
            f"{name} expects a list of at least {number} (B, H, W, C), the finest "
            f"first. Received input of shape: {shapes}. Pass the outputs of a feature "
            "pyramid as a list, not one tensor."
        )
    return [tuple(shape) for shape in shapes]


def build_each(layers, shapes):
    """Builds each layer for its shape and returns the layers."""
    for layer, shape in zip(layers, shapes, strict=True):
        layer.build(shape)
    return layers
