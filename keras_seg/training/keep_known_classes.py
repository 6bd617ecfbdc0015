"""Classes that a preset knows by name keep their weights when classes are added."""

import keras
import numpy as np


def keep_known_classes(model, known) -> list[str]:
    """Copies the weights of classes that another model knows by the same name.

    The class layers of a head have one slice for each class, such as a column of a
    kernel. The slices of classes whose name occurs in both models are copied. All other
    classes keep the weights that they have.

    Args:
        model: Model whose class layers are new.
        known: Model of the same architecture, with its own classes.

    Returns:
        List of the names whose weights were copied, in the order of `model`.

    Example:

    ```python
    import keras_seg

    def make(names):
        backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
        return keras_seg.ECENet(
            backbone, num_classes=len(names), class_names=names, hidden_dim=8
        )

    known, model = make(["sky", "tree"]), make(["tree", "cat", "sky"])
    print(keras_seg.training.keep_known_classes(model, known))  # ['tree', 'sky']
    ```
    """
    if not (known.class_names and model.class_names):
        return []
    old_names, new_names = known.learned_class_names, model.learned_class_names
    pairs = [
        (old_names.index(name), new)
        for new, name in enumerate(new_names)
        if name in old_names
    ]
    if not pairs:
        return []
    variables = list(_class_variables(model, known, len(new_names), len(old_names)))
    if any(axis is None for _, _, axis in variables):
        return []  # as many classes as channels: the axes cannot be told apart
    old, new = (np.array(places) for places in zip(*pairs, strict=True))
    for variable, value, axis in variables:
        array = np.moveaxis(keras.ops.convert_to_numpy(variable).copy(), axis, 0)
        array[new] = np.moveaxis(value, axis, 0)[old]
        variable.assign(np.moveaxis(array, 0, axis))
    return [new_names[place] for place in new]


def _class_variables(model, known, classes, known_classes):
    """Variables with one slice for each class, the known values, and that axis."""
    layers = zip(model.head.class_layers, known.head.class_layers, strict=True)
    for layer, other in layers:
        for variable, value in zip(layer.weights, other.get_weights(), strict=True):
            shape = variable.shape
            axes = [
                axis
                for axis in range(len(shape))
                if (shape[axis], value.shape[axis]) == (classes, known_classes)
            ]
            if axes:
                yield variable, value, axes[0] if len(axes) == 1 else None
