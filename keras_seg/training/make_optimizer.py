"""The optimizer of a run, with its schedule."""

import keras

from keras_seg.optimizers import (
    MultiplierAdamW,
    PolynomialDecay,
    layer_decay_multipliers,
)

NO_DECAY = ["bias", "gamma", "beta"]


def make_optimizer(args, model=None) -> keras.Optimizer:
    """Makes the optimizer and the schedule that the arguments of a run ask for.

    Steps of the schedules are batches: Keras counts batches also where gradients are
    accumulated over several.

    Args:
        args: Namespace, see `keras_seg.training.settings.resolve_settings`.
        model: Model, needed only for `--layer-decay`.

    Returns:
        `keras_seg.optimizers.MultiplierAdamW` or `CoupledSGD`.

    Example:

    ```python
    from keras_seg.training import make_optimizer
    from keras_seg.training.settings import resolve_settings

    given = {"data_dir": "CAMVID", "epochs": 2, "steps_per_epoch": 9, "ema": 0}
    args = resolve_settings({**given, "learning_rate": 1e-4})
    print(make_optimizer(args).use_ema)  # False
    ```
    """
    batches = args.epochs * args.steps_per_epoch * args.accumulate
    if args.warmup_steps is None:
        warmup = min(100, batches // 10)
    else:
        warmup = args.warmup_steps * args.accumulate
    if args.schedule == "poly":
        schedule = PolynomialDecay(args.learning_rate, batches, warmup_steps=warmup)
    else:
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=args.learning_rate / 100,
            decay_steps=batches - warmup,
            warmup_target=args.learning_rate,
            warmup_steps=warmup,
        )
    common = {"global_clipnorm": args.clip_norm or None}
    if args.ema:
        # Keras averages after every batch, with or without an update.
        momentum = args.ema ** (1 / args.accumulate)
        common.update(use_ema=True, ema_momentum=momentum)
    if args.accumulate > 1:
        common["gradient_accumulation_steps"] = args.accumulate
    if args.optimizer == "sgd":
        return CoupledSGD(schedule, args.weight_decay, momentum=0.9, **common)
    multipliers = {"^head/": args.head_multiplier}
    if args.layer_decay is not None:
        multipliers.update(layer_decay_multipliers(model, args.layer_decay))
    return MultiplierAdamW(
        schedule,
        multipliers=multipliers,
        weight_decay=args.weight_decay,
        no_decay=NO_DECAY,
        **common,
    )


@keras.saving.register_keras_serializable(package="keras_seg_examples")
class CoupledSGD(keras.optimizers.SGD):
    """SGD whose weight decay is added to the gradient, and so to the momentum.

    This is the weight decay of the papers. That of Keras is applied to the weights
    directly, and is ten times weaker with a momentum of 0.9.

    Args:
        learning_rate: Float or schedule.
        coupled_decay: Float, the weight decay; not of biases and normalisation.
        **kwargs: See `keras.optimizers.SGD`.

    Example:

    ```python
    from keras_seg.training.make_optimizer import CoupledSGD

    optimizer = CoupledSGD(0.01, coupled_decay=5e-4, momentum=0.9)
    print(optimizer.coupled_decay)  # 0.0005
    ```
    """

    def __init__(self, learning_rate=0.01, coupled_decay=0.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.coupled_decay = coupled_decay

    def update_step(self, gradient, variable, learning_rate):
        if not any(name in variable.name for name in NO_DECAY):
            decay = keras.ops.cast(self.coupled_decay, gradient.dtype)
            gradient = gradient + decay * keras.ops.cast(variable, gradient.dtype)
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "coupled_decay": self.coupled_decay}
