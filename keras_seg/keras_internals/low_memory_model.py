"""Functional models that free each tensor after its last use."""

import collections
import contextvars

import keras

from keras_seg.keras_internals.folded_norm import can_fold, folded_norm
from keras_seg.keras_internals.layer_graph import sublayers
from keras_seg.keras_internals.rematerialization import (
    can_rematerialize,
    is_rematerializing,
    rematerialized,
)

# The argument of the call that runs in this thread.
_training = contextvars.ContextVar("training", default=None)


class LowMemoryModel(keras.Model):
    """A functional model that frees each tensor after its last use.

    `keras.Model` keeps all tensors until the end of the call. In a compiled graph that
    costs nothing, as the compiler plans the memory. On torch, and eagerly, it takes
    several times the memory that is in use at once. A batch normalisation in inference
    mode is folded into the convolution before it, see `folded_norm`.

    Inside the context `rematerialization` the graph is cut where a tensor is all that
    later layers need, such as between residual blocks. Only these tensors are kept for
    the gradient. Parts with layers that have a state are run as they are.

    Keras has no public way to change how the graph of a functional model is executed.
    The class overrides `_run_through_graph` and reads the nodes of the graph. Seen to
    work with Keras 3.15.1.

    Args:
        inputs: See `keras.Model`.
        outputs: See `keras.Model`.
        run_layer: Function `(layer, function, args, kwargs)` that returns
            `function(*args, **kwargs)` or what stands for it, or `None`. It replaces
            the call of each layer.
        **kwargs: Passed to `keras.Model`.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.keras_internals.low_memory_model import LowMemoryModel

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(64, 3)(inputs)
    model = LowMemoryModel(inputs, keras.layers.ReLU()(x))
    print(model(np.zeros((1, 8, 8, 3), "float32")).shape)  # (1, 6, 6, 64)
    ```
    """

    def __init__(self, *args, run_layer=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.run_layer = run_layer or _run_layer

    def call(self, inputs, training=None, mask=None, **kwargs):
        token = _training.set(training)
        try:
            return super().call(inputs, training=training, mask=mask, **kwargs)
        finally:
            _training.reset(token)

    def _run_through_graph(self, inputs, operation_fn=lambda op: op, call_fn=None):
        if call_fn is not None:  # as `keras.models.clone_model` does, with symbols
            return super()._run_through_graph(inputs, operation_fn, call_fn)
        nodes = [
            node
            for depth in sorted(self._nodes_by_depth, reverse=True)
            for node in self._nodes_by_depth[depth]
            if node.operation and not node.is_input
        ]
        uses = collections.Counter(map(id, self.outputs))
        for node in nodes:
            uses.update(map(id, node.input_tensors))

        inputs = keras.tree.flatten(inputs)
        tensors = {id(x): y for x, y in zip(self.inputs, inputs, strict=True)}
        del inputs
        run = _Run(self, operation_fn, _norms(nodes, uses))
        if is_rematerializing():
            for part in _parts(nodes, uses, {*map(id, self.outputs)}):
                run.part(part, tensors, uses)
        else:
            run.nodes(nodes, tensors, uses)
        outputs = [tensors[id(x)] for x in self.outputs]
        return keras.tree.pack_sequence_as(self._outputs_struct, outputs)


class _Run:
    """One execution of the graph of a model, or of parts of it."""

    def __init__(self, model, operation_fn, norms):
        self.model, self.operation_fn, self.norms = model, operation_fn, norms

    def nodes(self, nodes, tensors, uses):
        """Runs nodes in order, with the values of symbols in the dictionary `tensors`.

        Args:
            nodes: List of nodes of the graph.
            tensors: Dictionary from ids of symbols to tensors. Results are added to it,
                and tensors without further use are removed.
            uses: Dictionary from ids of symbols to how often they are still needed.
        """
        folded = set()
        for node in nodes:
            if id(node) in folded:
                continue
            args, kwargs = node.arguments.fill_in(tensors)
            layer, symbols = self.model._get_operation_for_node(node), node.outputs
            function, norm = self.operation_fn(layer), self.norms.get(id(node))
            if norm and can_fold(layer, norm.operation, args[0], _mode(norm)):
                function = _folded(layer, norm.operation)
                folded.add(id(norm))
                symbols = norm.outputs
            outputs = self.model.run_layer(layer, function, args, kwargs)
            outputs = keras.tree.flatten(outputs)
            tensors.update(zip(map(id, symbols), outputs, strict=True))
            del args, kwargs, outputs
            for x in node.input_tensors:
                uses[id(x)] -= 1
                if not uses[id(x)]:
                    del tensors[id(x)]

    def part(self, nodes, tensors, uses):
        """Runs nodes as `nodes` does, as one part that is computed again."""
        if not all(can_rematerialize(node.operation, _mode(node)) for node in nodes):
            return self.nodes(nodes, tensors, uses)
        inside = collections.Counter(id(x) for n in nodes for x in n.input_tensors)
        made = {id(x) for node in nodes for x in node.outputs}
        given = [x for x in inside if x not in made]
        results = [x for x in made if uses[x] > inside[x]]

        def function(*values):
            own = dict(zip(given, values, strict=True))
            # One use more than the block has, for what must not be removed.
            self.nodes(nodes, own, {x: inside[x] + 1 for x in {*inside, *made}})
            return [own[x] for x in results]

        values = rematerialized(function, *(tensors[x] for x in given))
        tensors.update(zip(results, values, strict=True))
        uses.subtract(inside)
        for x in given:
            if not uses[x]:
                del tensors[x]


def _parts(nodes, uses, outputs):
    """Cuts nodes into the parts that are computed again.

    A cut is where later layers need a single tensor that several of them take, or that
    is an output: where residual blocks and pyramid levels begin. A layer that consists
    of layers, such as a transformer block, is a part of its own.

    Args:
        nodes: List of nodes, in the order in which they run.
        uses: Dictionary from ids of symbols to how often they are needed.
        outputs: Set of ids of the symbols that the model returns.

    Yields:
        Lists of nodes.
    """
    alive, part = {}, []
    for node in nodes:
        if sublayers(node.operation):
            yield from filter(None, [part, [node]])
            part = []
        else:
            part.append(node)
        for x in map(id, node.outputs):
            alive[x] = uses[x] - (x in outputs)
        for x in map(id, node.input_tensors):
            alive[x] = alive.get(x, uses[x]) - 1
        alive = {x: number for x, number in alive.items() if number}
        if part and len(alive) == 1 and (uses[(x := next(iter(alive)))] > 1):
            yield part
            part = []
    if part:
        yield part


def _norms(nodes, uses):
    """Maps ids of nodes to the batch normalisation that alone takes their output."""
    makers = {id(x): node for node in nodes for x in node.outputs}
    return {
        id(makers[id(x)]): node
        for node in nodes
        if isinstance(node.operation, keras.layers.BatchNormalization)
        for x in node.input_tensors
        if id(x) in makers and uses[id(x)] == 1
    }


def _mode(node):
    """The argument `training` that the layer of a node is called with."""
    training = _training.get()
    return node.arguments.kwargs.get("training") if training is None else training


def _folded(layer, norm):
    return lambda x: folded_norm(layer, norm, x)


def _run_layer(layer, function, args, kwargs):
    return function(*args, **kwargs)


# Weights are stored under the name of the class, which version 0.1.0 called so.
LowMemoryModel.__name__ = "LeanModel"
