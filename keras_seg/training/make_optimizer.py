"""The optimizer of a run, with its schedule."""

import keras

import keras_seg

NO_DECAY = ["bias", "gamma", "beta"]


def make_optimizer(args, model=None):
    """Makes what the arguments of `train.py` ask for.

    Steps of the schedules are batches, as Keras counts them there also where gradients
    are accumulated over several. The model is looked at for `--layer-decay` alone.
    """
    batches = args.epochs * args.steps_per_epoch * args.accumulate
    if args.warmup_steps is None:
        warmup = min(100, batches // 10)
    else:
        warmup = args.warmup_steps * args.accumulate
    if args.schedule == "poly":
        schedule = keras_seg.optimizers.PolynomialDecay(
            args.learning_rate, batches, warmup_steps=warmup
        )
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
        multipliers.update(
            keras_seg.optimizers.layer_decay_multipliers(model, args.layer_decay)
        )
    return keras_seg.optimizers.MultiplierAdamW(
        schedule,
        multipliers=multipliers,
        weight_decay=args.weight_decay,
        no_decay=NO_DECAY,
        **common,
    )


@keras.saving.register_keras_serializable(package="keras_seg_examples")
class CoupledSGD(keras.optimizers.SGD):
    """SGD whose weight decay is part of the gradient, and so of the momentum.

    That is what the papers' weight decay means; the one of Keras is applied beside the
    gradient, and is ten times weaker with a momentum of 0.9.
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
