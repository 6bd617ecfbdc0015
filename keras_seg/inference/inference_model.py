import functools

import keras

from keras_seg.keras_internals.inference_function import run_inference


class InferenceModel:
    """A Keras model whose methods may be called from several threads.

    A model with an attribute `head_logits`, such as `keras_seg.models.Segmenter`, also
    gets `predict_head_on_batch`: logits at the resolution of its head.

    Args:
        model: `keras.Model`.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.inference.inference_model import InferenceModel

    inputs = keras.Input((None, None, 3))
    model = InferenceModel.of(keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs)))
    print(model.predict_on_batch(np.zeros((1, 8, 8, 3), "uint8")).shape)
    ```
    """

    def __init__(self, model):
        self.model = model
        head = getattr(model, "head_logits", None)
        if head is not None:
            self.predict_head_on_batch = functools.partial(run_inference, head)

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict_on_batch(self, images):
        return run_inference(self.model, images)

    @classmethod
    def of(cls, model):
        """The model itself if it is none of Keras and has its own method."""
        return cls(model) if isinstance(model, keras.Model) else model
