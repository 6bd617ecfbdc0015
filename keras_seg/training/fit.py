"""One call of `model.fit` with all that a run asks for."""

import keras

from keras_seg import data


def fit(args, model, train, val, run, epochs_done):
    """Trains a model on a source, from the epoch where a run was interrupted.

    Args:
        args: Namespace, see `keras_seg.training.train_arguments.train_arguments`.
        model: Compiled model.
        train: Source of `(image, label)` pairs.
        val: Source for validation, or `None`.
        run: `keras_seg.training.RunFolder`.
        epochs_done: Integer, what `run.restore(model)` returned.

    Raises:
        ValueError, OSError: If images or label maps cannot be used, with their names.
    """
    validation, every = None, args.validate_every
    if val is not None and every:
        validation = data.evaluation_dataset(val)
    if args.repeat_rare:
        # Cached first, so that repeated images are decoded once.
        train = data.CachedSource(train)
        train = data.RepeatedSource(train, args.repeat_rare, seed=args.seed)
    dataset = data.training_dataset(
        train,
        args.batch_size,
        data.TrainAugmentation(
            args.crop_size,
            scale_range=args.scale_range,
            focus_classes=args.focus_classes,
            focus_probability=args.focus_probability,
            ignore_class=train.ignore_class,
        ),
        seed=args.seed,
        workers=args.workers,
        steps_per_epoch=args.steps_per_epoch * args.accumulate,
        initial_epoch=epochs_done,
        cache=not args.repeat_rare,
    )
    callbacks = [run]
    if args.ema:
        callbacks.insert(0, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    try:
        model.fit(
            dataset,
            initial_epoch=epochs_done,
            epochs=args.epochs,
            validation_data=validation,
            validation_freq=[*range(every or 1, args.epochs, every or 1), args.epochs],
            callbacks=callbacks,
            verbose=args.verbose,
        )
    except Exception as error:
        failure = dataset.failure or (validation and validation.failure)
        if failure is None or failure is error:
            raise
        raise failure from None  # TensorFlow raises an error of its own
