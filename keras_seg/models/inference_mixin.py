import keras

from keras_seg.inference.image_batch import image_batch
from keras_seg.inference.predict import predict
from keras_seg.inference.segment import segment
from keras_seg.keras_internals.inference_function import run_inference
from keras_seg.layers.resizing import resize_padded


class InferenceMixin:
    """Inference methods of `Segmenter`."""

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Logits of images. May be called from several threads at once.

        See `keras_seg.inference.predict.predict` and `keras.Model.predict`.
        """
        return predict(self, x, batch_size, verbose, steps, callbacks)

    def predict_on_batch(self, x):
        """Logits of a batch of images. May be called from several threads at once."""
        return run_inference(self, keras.ops.convert_to_numpy(image_batch(x)))

    def segment(self, image, tile=None, overlap=0.125, threshold=None, long_side=None):
        """The class ids `(H, W)` of one image. See `keras_seg.inference.segment`."""
        return segment(
            self, image, tile, overlap, threshold=threshold, long_side=long_side
        )

    def padded_size(self, height, width):
        """The largest size that the model resizes to the same size as this one.

        Images of all these sizes can share one compiled program, see `call_padded`.

        Returns:
            Pair of integers, or `None` if images cannot be padded.
        """
        if None not in self.input_shape[1:3]:
            return None
        if not isinstance(self.preprocessor, keras.layers.Rescaling):
            return None  # may depend on the whole image
        largest = self.resize_to_multiple.largest_size
        return largest(height), largest(width)

    def call_padded(self, images, size):
        """Computes logits of images that fill only the top left of an array.

        The padding has no effect: the network gets the images resized from `size`.

        Args:
            images: Tensor `(B, H, W, 3)`, of the size that `padded_size` gives.
            size: Pair of scalar integer tensors, height and width of the images.

        Returns:
            Tensor `(B, H, W, num_classes)`, valid up to `size`.
        """
        return self.compute_outputs(images, training=False, size=size)["logits"]

    def _resize_input(self, images, size=None):
        if size is None:
            return self.resize_to_multiple(images)
        shape = [self.resize_to_multiple.enlarged(n) for n in images.shape[1:3]]
        return resize_padded(images, size, shape, shape)

    def _resize_logits(self, logits, images, size=None):
        if size is None:
            return self.resize_to_match(logits, images)
        return resize_padded(logits, logits.shape[1:3], size, images.shape[1:3])
