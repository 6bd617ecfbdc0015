"""Which layers and variables of a model are trained, in a form that JSON can hold.

Keras saves `trainable` in the config of a layer, so it is lost for every layer that a
constructor makes: all layers of a backbone and of a head.
"""

import logging
import re

import keras


def trainable_state(roots):
    """The `trainable` flags below some layers, as differences to the flag above.

    Args:
        roots: Dictionary from names to layers, the model itself first. A layer that
            several of them share counts for the first of them.

    Returns:
        Dictionary from paths to booleans: an entry for each layer or variable whose
        flag is another than that of the layer that holds it. `{}` says that
        everything is trained.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.trainable_state import trainable_state

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    model.layers[0].trainable = False
    print(trainable_state({"model": model}))  # {'model/dense': False}
    ```
    """
    state, flags = {}, {}
    for path, parent, part in _walk(roots):
        flags[path] = bool(part.trainable)
        if flags[path] != flags.get(parent, True):
            state[path] = flags[path]
    return state


def set_trainable_state(roots, state):
    """Sets the flags that `trainable_state` returned.

    Args:
        roots: See `trainable_state`.
        state: Dictionary from paths to booleans.

    Returns:
        List of the paths in `state` that lead to nothing.
    """
    flags = {}
    for path, parent, part in _walk(roots):
        flags[path] = bool(state.get(path, flags.get(parent, True)))
        if isinstance(part, keras.Layer):
            part._trainable = flags[path]  # `trainable` would set all below as well
        else:
            part.trainable = flags[path]
    return [path for path in state if path not in flags]


def restore_trainable_state(roots, state, name):
    """Sets the flags of a saved model, and warns about those that lead to nothing.

    Args:
        roots, state: See `set_trainable_state`.
        name: String, the name of the model in the warning.
    """
    missing = set_trainable_state(roots, state)
    if missing:
        logging.getLogger("keras_seg").warning(
            "%s was saved with frozen layers that it does not have now: %s.",
            name,
            ", ".join(missing),
        )


def make_trainable(layer):
    """Makes a layer trainable, with all layers inside.

    `layer.trainable = True` is enough but on TensorFlow, where an attribute that has
    the value already is not set: layers inside that are frozen stay so.

    Args:
        layer: Layer or model.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.trainable_state import make_trainable

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.layers[0].trainable = False
    make_trainable(model)
    print(len(model.trainable_variables))  # 2
    ```
    """
    for part in layer._flatten_layers():
        part.trainable = False
        part.trainable = True


def freeze_unused(model):
    """Freezes layers of a backbone that no level of the pyramid depends on.

    They get no gradient, so that they should have no weight decay either.

    Args:
        model: `keras_seg.models.Segmenter`.
    """
    used = {id(layer) for layer in model.pyramid.layers}
    for layer in model.backbone.layers:
        if id(layer) not in used:
            layer.trainable = False


def variable_paths(roots, variables):
    """The paths of variables below some layers; `None` for those that lie elsewhere."""
    paths = {id(part): path for path, _, part in _walk(roots)}
    return [paths.get(id(variable)) for variable in variables]


def variables_at(roots, paths):
    """The variables that `variable_paths` named, or `None` if one is missing."""
    parts = {path: part for path, _, part in _walk(roots)}
    variables = [parts.get(path) for path in paths]
    return None if any(variable is None for variable in variables) else variables


def optimizer_variables(optimizer):
    """The variables of the model that an optimizer holds state for."""
    return list(getattr(optimizer, "_trainable_variables", []))


def _walk(roots):
    """Triples of path, path of what holds it, and layer or variable; holders first."""
    first, *others = roots
    seen = {id(layer) for layer in roots.values()}
    yield first, None, roots[first]
    for name in others:
        yield name, first, roots[name]
        yield from _inside(name, roots[name], seen)
    yield from _inside(first, roots[first], seen)


def _inside(path, layer, seen):
    names = {}
    parts = [*layer._trainable_variables, *layer._layers]
    for part in parts:
        name = _stable_name(part)
        names[name] = count = names.get(name, 0) + 1
        if id(part) in seen:
            continue
        seen.add(id(part))
        inner = f"{path}/{name}" if count == 1 else f"{path}/{name}#{count}"
        yield inner, path, part
        if isinstance(part, keras.Layer):
            yield from _inside(inner, part, seen)


def _stable_name(part):
    """The name, without the number that Keras counts up in each process."""
    plain = re.sub(r"_\d+$", "", part.name)
    if plain.replace("_", "") == type(part).__name__.lower():
        return plain
    return part.name
