import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seg")
class PolynomialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Polynomial decay of a rate to a final value, with optional warm-up.

    The value at a step is `(initial - final) * (1 - step / decay_steps) ** power +
    final`. The schedule of the same name in Keras can return NaN for a fractional power
    where a compiler replaces the division by a multiplication with the inverse, as on
    JAX: at the last step the base of the power can be slightly negative. Here it is
    clipped at 0.

    Args:
        initial_rate: Float. The value at step 0, without warm-up.
        decay_steps: Integer, at least 1. The step at which `final_rate` is reached.
        final_rate: Float. The value from `decay_steps` on.
        power: Float, greater than 0.
        warmup_steps: Integer. Number of first steps in which the value is multiplied by
            a factor that rises linearly to 1.

    Call arguments:
        step: Integer or integer tensor.

    Raises:
        ValueError: If `decay_steps` or `power` is too small.

    Example:

    ```python
    import keras_seg

    schedule = keras_seg.optimizers.PolynomialDecay(0.1, 80_000, final_rate=0.009)
    print(float(schedule(40_000)))
    ```
    """

    def __init__(
        self, initial_rate, decay_steps, final_rate=0.0, power=0.9, warmup_steps=0
    ) -> None:
        super().__init__()
        if decay_steps < 1 or power <= 0:
            raise ValueError(
                "`decay_steps` must be at least 1 and `power` greater than 0. Received:"
                f" decay_steps={decay_steps}, power={power}."
            )
        self.initial_rate = initial_rate
        self.decay_steps = decay_steps
        self.final_rate = final_rate
        self.power = power
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rest = ops.power(ops.maximum(1 - step / self.decay_steps, 0.0), self.power)
        rate = (self.initial_rate - self.final_rate) * rest + self.final_rate
        return rate * ops.minimum((step + 1) / max(self.warmup_steps, 1), 1.0)

    def get_config(self):
        return {
            "initial_rate": self.initial_rate,
            "decay_steps": self.decay_steps,
            "final_rate": self.final_rate,
            "power": self.power,
            "warmup_steps": self.warmup_steps,
        }
