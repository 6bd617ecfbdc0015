"""Functional models that free each tensor after its last use."""

import collections
import contextvars

import keras

from keras_seg.keras_internals.folded_norm import can_fold, folded_norm

# The argument of the call that runs in this thread.
_training = contextvars.ContextVar("training", default=None)


class LowMemoryModel(keras.Model):
    """A functional model that frees each tensor after its last use.

    `keras.Model` keeps all tensors until the end of the call. In a compiled graph that
    costs nothing, as the compiler plans the memory. On torch, and eagerly, it takes
    several times the memory that is in use at once. A batch normalisation in inference
    mode is folded into the convolution before it, see `folded_norm`.

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

        norms, folded = _norms(nodes, uses), set()

        inputs = keras.tree.flatten(inputs)
        tensors = {id(x): y for x, y in zip(self.inputs, inputs, strict=True)}
        del inputs
        for node in nodes:
            if id(node) in folded:
                continue
            args, kwargs = node.arguments.fill_in(tensors)
            layer, symbols = self._get_operation_for_node(node), node.outputs
            function, norm = operation_fn(layer), norms.get(id(node))
            if norm and can_fold(layer, norm.operation, args[0], _mode(norm)):
                function = _folded(layer, norm.operation)
                folded.add(id(norm))
                symbols = norm.outputs
            outputs = self.run_layer(layer, function, args, kwargs)
            outputs = keras.tree.flatten(outputs)
            tensors.update(zip(map(id, symbols), outputs, strict=True))
            del args, kwargs, outputs
            for x in node.input_tensors:
                uses[id(x)] -= 1
                if not uses[id(x)]:
                    del tensors[id(x)]
        outputs = [tensors[id(x)] for x in self.outputs]
        return keras.tree.pack_sequence_as(self._outputs_struct, outputs)


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
