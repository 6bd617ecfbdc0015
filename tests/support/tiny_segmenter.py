"""A model with a head of one convolution, for what all models share."""

import keras
from keras import ops
from tiny_backbone import TinyBackbone

from keras_seg.models import Segmenter

NUM_CLASSES = 3


@keras.saving.register_keras_serializable(package="keras_seg_tests")
class TinyHead(keras.layers.Layer):
    """Logits; in training their mean square as well."""

    def build(self, input_shape):
        self.classifier = keras.layers.Conv2D(
            NUM_CLASSES, 1, dtype=self.dtype_policy, name="classifier"
        )
        self.classifier.build(input_shape[0])

    def call(self, inputs, training=None):
        coarse = ops.mean(self.classifier(inputs[-1]), axis=(1, 2), keepdims=True)
        logits = self.classifier(inputs[0]) + coarse
        if training:
            return {"logits": logits, "square": ops.mean(ops.square(logits))}
        return {"logits": logits}

    def compute_output_shape(self, input_shape):
        return {"logits": (*input_shape[0][:-1], NUM_CLASSES)}


@keras.saving.register_keras_serializable(package="keras_seg_tests")
class TinySegmenter(Segmenter):
    auxiliary_loss_names = ("square_loss",)

    def __init__(self, backbone=None, num_classes=NUM_CLASSES, **kwargs):
        backbone = backbone or TinyBackbone(num_levels=2)
        head = TinyHead(name="head", dtype=backbone.dtype_policy)
        super().__init__(backbone, head, num_classes, **kwargs)

    def auxiliary_losses(self, labels, outputs):
        return {"square_loss": (0.5, outputs["square"])}
