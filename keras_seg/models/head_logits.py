"""The part of a model from images to the logits of its head."""

import keras


class HeadLogits:
    """Computes the logits of a model at the resolution of its head.

    `keras_seg.keras_internals.inference_function.run_inference` takes it in place of
    the model: it has the same variables and sizes.

    Args:
        model: A `keras_seg.models.Segmenter`.

    Example:

    ```python
    import numpy as np
    import keras_seg

    backbone = keras_seg.backbones.SwinBackbone(8, depths=(1, 1), num_heads=(1, 2))
    model = keras_seg.ECENet(backbone, num_classes=3, hidden_dim=8)
    print(model.head_logits(np.zeros((1, 64, 96, 3))).shape)  # (1, 16, 24, 3)
    ```
    """

    def __init__(self, model):
        self.model = model
        self.padded_size = model.padded_size
        self.shared_size = model.shared_size

    @property
    def variables(self):
        return self.model.variables

    @property
    def weights(self):
        return self.model.weights

    def __call__(self, images, training=False):
        """The logits `(B, h, w, K)` of images `(B, H, W, 3)` in 0..255."""
        if training:
            raise ValueError(
                "`head_logits` computes the logits of inference. Received: "
                "training=True. For training call `training_outputs(images)`."
            )
        return self.call_padded(keras.ops.convert_to_tensor(images), None)

    def call_padded(self, images, size):
        """The logits of padded images, see `Segmenter.call_padded`."""
        outputs = self.model.compute_head_outputs(images, training=False, size=size)
        return self.model.scatter(outputs["logits"])

    def unpadded(self, outputs, size, full):
        """The part of the logits that is valid, see `Segmenter.unpadded`."""
        height, width = self.model.head_size(outputs.shape[1:3], size, full)
        return outputs[:, :height, :width]
