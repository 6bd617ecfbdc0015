import collections

import keras


class LowMemoryModel(keras.Model):
    """A functional model that lets go of each tensor once nothing needs it any more.

    `keras.Model` keeps all of them until its end. Where a compiler plans the memory
    that costs nothing; on torch it is several times what is in use at once.

    Args:
        inputs, outputs: See `keras.Model`, functional.

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

    # Keras has no public way to say how a graph is run.
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
        for node in nodes:
            args, kwargs = node.arguments.fill_in(tensors)
            outputs = operation_fn(self._get_operation_for_node(node))(*args, **kwargs)
            outputs = keras.tree.flatten(outputs)
            tensors.update(zip(map(id, node.outputs), outputs, strict=True))
            del args, kwargs, outputs
            for x in node.input_tensors:
                uses[id(x)] -= 1
                if not uses[id(x)]:
                    del tensors[id(x)]
        outputs = [tensors[id(x)] for x in self.outputs]
        return keras.tree.pack_sequence_as(self._outputs_struct, outputs)


# `.keras` files hold weights under the name of their class: this one, in version 0.1.0.
LowMemoryModel.__name__ = "LeanModel"
