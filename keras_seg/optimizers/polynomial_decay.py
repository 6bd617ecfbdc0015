import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seg")
class PolynomialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Decays a rate by a power of the steps that are left, then keeps the final one.

    The value at a step is `(initial - final) * (1 - step / decay_steps) ** power +
    final`. The schedule of the same name in Keras gives NaN with a fractional power
    where a compiler divides by multiplying with the inverse, as on JAX: at the last
    step a rest just below zero is left, and has no such power.

    Args:
        initial_rate: Float.
        decay_steps: Integer, at least 1.
        final_rate: Float.
        power: Float, greater than 0.
        warmup_steps: Integer. In the first steps, as many as this, the value is
            multiplied by a factor that rises evenly to 1.

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
    ):
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
