import re

import keras

from keras_seg.keras_internals.optimizer_index import variable_index


@keras.saving.register_keras_serializable(package="keras_seg")
class MultiplierAdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is multiplied per variable, by path.

    Segmentation recipes train the head, which starts from random weights, with a higher
    learning rate than the pretrained backbone. An optimizer of Keras has one rate.

    Args:
        learning_rate: Float or `keras.optimizers.schedules.LearningRateSchedule`.
        multipliers: Dictionary from regular expressions to factors. The first
            expression that is found in the path of a variable gives its factor; the
            default is 1. Weight decay is not multiplied.
        no_decay: List of regular expressions. Variables whose name contains a match get
            no weight decay. Unlike the setting of `exclude_from_weight_decay`, the list
            is saved with a model.
        **kwargs: Passed to `keras.optimizers.AdamW`.

    Example:

    ```python
    import keras_seg

    optimizer = keras_seg.optimizers.MultiplierAdamW(
        learning_rate=6e-5,
        multipliers={"^head/": 10.0},
        no_decay=["bias", "gamma", "beta"],
    )
    ```
    """

    def __init__(
        self, learning_rate=6e-5, multipliers=None, no_decay=None, **kwargs
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.multipliers = dict(multipliers or {})
        self.no_decay = list(no_decay or [])
        if self.no_decay:
            self.exclude_from_weight_decay(var_names=self.no_decay)

    def build(self, variables):
        super().build(variables)
        self._factors = [self._factor(variable.path) for variable in variables]

    def update_step(self, gradient, variable, learning_rate):
        factor = self._factors[variable_index(self, variable)]
        super().update_step(gradient, variable, learning_rate * factor)

    def _factor(self, path):
        for pattern, factor in self.multipliers.items():
            if re.search(pattern, path):
                return factor
        return 1.0

    def get_config(self):
        return {
            **super().get_config(),
            "multipliers": self.multipliers,
            "no_decay": self.no_decay,
        }
