import keras


class NotClonable:
    """Refuses `keras.models.clone_model`, which would return another kind of model.

    It copies the layers of a functional model into a plain `keras.Model`, without the
    methods and the losses of the class.
    """

    def _run_through_graph(self, inputs, operation_fn=lambda op: op, call_fn=None):
        def checked(operation):
            found = operation_fn(operation)
            if isinstance(found, keras.Layer) and found is not operation:
                name = type(self).__name__
                raise ValueError(
                    f"keras.models.clone_model cannot copy a {name}: the copy would be "
                    f"a plain keras.Model. Use {name}.from_config(model.get_config()) "
                    "for a copy with new weights, and copy.deepcopy(model) for one "
                    "with the same weights."
                )
            return found

        return super()._run_through_graph(inputs, checked, call_fn)
