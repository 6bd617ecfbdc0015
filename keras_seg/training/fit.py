"""One call of `model.fit` with all that a run asks for."""

import sys

import keras

from keras_seg import data
from keras_seg.training.progress import Progress
from keras_seg.training.stop_early import StopEarly
from keras_seg.training.tensorboard_log import TensorBoardLog
from keras_seg.training.watch_learning import WatchLearning


def fit(args, model, train, val, run, epochs_done, devices, callbacks=()):
    """Trains a model on a source, from the epoch where a run was interrupted.

    Args:
        args: Namespace, see `keras_seg.training.settings.resolve_settings`.
        model: Compiled model.
        train: Source of `(image, label)` pairs.
        val: Source for validation, or `None`.
        run: `keras_seg.training.RunFolder`.
        epochs_done: Integer, what `run.restore(model)` returned.
        devices: `keras_seg.training.Devices`.
        callbacks: List of further callbacks.

    Raises:
        ValueError, OSError: If images or label maps cannot be used, with their names.
    """
    stop = StopEarly(run, args.patience if val is not None else 0)
    if devices.share(stop.is_reached()):
        return
    validation, every = None, args.validate_every
    if val is not None and every:
        if args.long_side:
            val = data.CachedSource(data.ResizedSource(val, args.long_side))
        validation = data.evaluation_dataset(val)
    dataset = training_batches(args, train, epochs_done)
    verbose = args.verbose
    if verbose is None:
        verbose = 1 if sys.stdout.isatty() else 2
    # The order matters: averaged weights, then the files, then what reads the history.
    averages = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if args.ema else []
    readers = [Progress(run, args, verbose), WatchLearning(run, args, model), stop]
    if args.tensorboard:
        readers.append(TensorBoardLog(run))
    try:
        devices.fit(
            model,
            dataset,
            initial_epoch=epochs_done,
            epochs=args.epochs,
            validation_data=validation,
            validation_freq=[*range(every or 1, args.epochs, every or 1), args.epochs],
            callbacks=[*averages, run, *readers, *callbacks],
            writers=[run, *readers],
            verbose=0,
        )
    except Exception as error:
        failure = dataset.failure or (validation and validation.failure)
        if failure is None or failure is error:
            raise
        raise failure from None  # TensorFlow raises an error of its own


def training_batches(args, train, epochs_done=0):
    """The augmented batches of a run.

    Args:
        args: Namespace of all settings.
        train: Source of `(image, label)` pairs.
        epochs_done: Integer, the epoch to begin with.

    Returns:
        See `keras_seg.data.training_dataset`.
    """
    if args.long_side:
        train = data.ResizedSource(train, args.long_side)
    if args.repeat_rare:
        # Cached first, so that repeated images are decoded once.
        train = data.CachedSource(train)
        train = data.RepeatedSource(train, args.repeat_rare, seed=args.seed)
    ignore_class = getattr(train, "ignore_class", 255)
    return data.training_dataset(
        train,
        args.batch_size,
        data.TrainAugmentation(
            args.crop_size,
            scale_range=args.scale_range,
            focus_classes=args.focus_classes,
            focus_probability=args.focus_probability,
            rotation=args.rotation,
            photometric=data.PhotometricDistortion(gamma=args.gamma, blur=args.blur),
            ignore_class=ignore_class,
        ),
        seed=args.seed,
        workers=args.workers,
        steps_per_epoch=args.steps_per_epoch * args.accumulate,
        initial_epoch=epochs_done,
        cache=not args.repeat_rare,
        paste_classes=args.focus_classes,
        paste_probability=args.paste_probability,
    )
