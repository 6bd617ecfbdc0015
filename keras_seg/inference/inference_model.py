import keras

from keras_seg.keras_internals.inference_function import run_inference


class InferenceModel:
    """A Keras model whose `predict_on_batch` may be called from several threads.

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

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict_on_batch(self, images):
        return run_inference(self.model, images)

    @classmethod
    def of(cls, model):
        """The model itself if it is none of Keras and has its own method."""
        return cls(model) if isinstance(model, keras.Model) else model
