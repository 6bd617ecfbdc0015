import keras


class SummaryMixin:
    """The summary of `keras.Model` in place of that of keras-hub's tasks."""

    def summary(
        self, line_length=None, positions=None, print_fn=None, **kwargs
    ) -> None:
        """Prints the layers of the model. See `keras.Model.summary`.

        Tasks of keras-hub print a table of their preprocessor first. Here the
        preprocessor is a layer of the model, and that table would be empty.
        """
        keras.Model.summary(
            self,
            line_length=line_length or 108,  # as in keras-hub, for long names
            positions=positions,
            print_fn=print_fn,
            **kwargs,
        )
