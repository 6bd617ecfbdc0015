"""A model as a function of TensorFlow, and as a SavedModel."""

import tensorflow
from keras import ops

from keras_seg.keras_internals.folded_norm import separate_norms


class ImagesFunction(tensorflow.Module):
    """The function of a model from uint8 images, whose sizes may be free.

    Args:
        model: `keras_seg.models.Segmenter`, on TensorFlow.
        signature: `tensorflow.TensorSpec` of the images.
        output: `"logits"`, `"head_logits"` or `"labels"`.
        half: Boolean. Whether weights will be stored in half precision.
    """

    def __init__(self, model, signature, output, half):
        super().__init__()
        self.model = model
        self.variables_of_model = [variable.value for variable in model.variables]
        self.signature = signature
        function = getattr(self, output)
        self.function = tensorflow.function(
            separate_norms()(function) if half else function,
            input_signature=[signature],
            autograph=False,
        )

    def logits(self, images):
        logits = self.model(ops.cast(images, "float32"), training=False)
        return {"logits": logits}

    def head_logits(self, images):
        return {"head_logits": self.model.head_logits(ops.cast(images, "float32"))}

    def labels(self, images):
        logits = self.logits(images)["logits"]
        dtype = "uint8" if self.model.num_classes <= 256 else "int32"
        # That of `ops` has 64 bits, which LiteRT does not convert.
        labels = tensorflow.math.argmax(logits, axis=-1, output_type="int32")
        return {"labels": ops.cast(labels, dtype)}


def images_function(model, size=None, output="logits", half=False):
    """Makes the function of a model that is exported.

    Args:
        model: `keras_seg.models.Segmenter`, on TensorFlow.
        size: Pair `(height, width)`, or `None` for images of any size.
        output: `"logits"`, `"head_logits"` for those at the resolution of the head, or
            `"labels"` for the argmax.
        half: Boolean. Whether weights will be stored in half precision.

    Returns:
        `ImagesFunction`.
    """
    shape = (None, *(size or (None, None)), 3)
    signature = tensorflow.TensorSpec(shape, "uint8", name="images")
    return ImagesFunction(model, signature, output, half)


def write_saved_model(function, path):
    """Writes a SavedModel with the signature `serving_default`."""
    tensorflow.saved_model.save(
        function, str(path), signatures=function.function.get_concrete_function()
    )
