"""`predict` of the models: batch by batch, from any source of data."""

import itertools

import keras
import numpy as np

from keras_seg.data.batches.map_labels import read_batches
from keras_seg.inference.image_batch import image_batch
from keras_seg.keras_internals.inference_function import run_inference


def predict(model, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
    """The outputs of a model for many images, as `keras.Model.predict` returns them.

    It may be called from several threads at once, which Keras's own method does not
    allow: on JAX it donates the weights to the compiled step.

    Args:
        model: Built `keras.Model`.
        x: Array or tensor `(N, H, W, 3)`; a list of arrays `(H, W, 3)`; or a
            `keras.utils.PyDataset`, `tf.data.Dataset`, torch `DataLoader`, grain
            dataset or generator of images, `(images, labels)` or `(images, labels,
            sample_weight)`.
        batch_size: Integer, for arrays and lists. Defaults to 32.
        verbose: `"auto"`, 0, 1 or 2, see `keras.Model.predict`.
        steps: Integer number of batches, or `None` for all.
        callbacks: List of `keras.callbacks.Callback`, or `None`.

    Returns:
        NumPy array, or the structure of arrays that the model returns.

    Raises:
        ValueError: If there are no images, or they are no RGB images of one size.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.inference.predict import predict

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    logits = predict(model, np.zeros((5, 8, 8, 3)), batch_size=2, verbose=0)
    print(logits.shape)  # (5, 8, 8, 4)
    ```
    """
    batches, number = _batches(image_batch(x), batch_size)
    if steps is not None:
        batches = itertools.islice(batches, steps)
        number = steps if number is None else min(steps, number)
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=1,
            steps=number,
            model=model,
        )
    model.stop_predicting = False
    callbacks.on_predict_begin()
    results = []
    for step, batch in enumerate(batches):
        images, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
        callbacks.on_predict_batch_begin(step)
        results.append(run_inference(model, _to_numpy(images)))
        callbacks.on_predict_batch_end(step, {"outputs": results[-1]})
        if model.stop_predicting:
            break
    callbacks.on_predict_end()
    return _concatenate(results)


def _batches(x, batch_size):
    """An iterator of batches, and their number or `None` if it is unknown."""
    if getattr(x, "shape", None) is None:
        return read_batches(x)
    batch_size = 32 if batch_size is None else batch_size
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be at least 1. Received: batch_size={batch_size}."
        )
    starts = range(0, x.shape[0], batch_size)
    return (x[start : start + batch_size] for start in starts), len(starts)


def _to_numpy(images):
    if isinstance(images, dict) or getattr(images, "shape", None) is None:
        raise ValueError(
            "`predict` takes batches of images, alone or as (images, labels) or "
            f"(images, labels, sample_weight). Received: {type(images)}."
        )
    return keras.ops.convert_to_numpy(image_batch(images))


def _concatenate(results):
    if not results:
        raise ValueError("`predict` received no image, expected at least one.")
    shapes = sorted({x.shape[1:] for r in results for x in keras.tree.flatten(r)})
    try:
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *results)
    except ValueError as error:
        raise ValueError(
            f"`predict` takes images of one size. Received: outputs of {shapes[:5]}. "
            "For images of different sizes use [model.segment(image) for image in "
            "images]."
        ) from error
