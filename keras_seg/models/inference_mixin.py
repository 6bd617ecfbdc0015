import contextlib
import functools
from typing import Any

import keras
import numpy as np

from keras_seg.inference.image_batch import image_batch
from keras_seg.inference.predict import predict
from keras_seg.inference.predict_labels import predict_labels
from keras_seg.inference.segment import segment
from keras_seg.keras_internals.inference_function import (
    forget_functions,
    run_inference,
)
from keras_seg.layers.padded_network import can_mask_padding
from keras_seg.layers.resizing import resize_padded
from keras_seg.layers.valid_region import valid_region
from keras_seg.models.segmenter_checks import check_temperature


class InferenceMixin:
    """Inference methods of `Segmenter`."""

    @property
    def temperature(self):
        """Number that logits are divided by outside training. It may be changed."""
        return self._temperature

    @temperature.setter
    def temperature(self, value):
        check_temperature(value)
        self._temperature = float(value)
        forget_functions(self)  # they hold the value that they were traced with

    @property
    def learned_class_names(self) -> list[str]:
        """Names of the classes that the head has a channel for, in its order.

        They are `"class 0"`, `"class 1"`, ... if the model has no names.
        """
        names = self.class_names or [f"class {i}" for i in range(self.num_classes)]
        if self.classes_learned is None:
            return list(names)
        return [names[i] for i in self.classes_learned]

    def predict(
        self, x, batch_size=None, verbose="auto", steps=None, callbacks=None
    ) -> np.ndarray:
        """Logits of images. May be called from several threads at once.

        See `keras_seg.inference.predict.predict` and `keras.Model.predict`.
        """
        return predict(self, x, batch_size, verbose, steps, callbacks)

    def predict_on_batch(self, x) -> np.ndarray:
        """Logits of a batch of images. May be called from several threads at once."""
        return run_inference(self, keras.ops.convert_to_numpy(image_batch(x)))

    def predict_labels(
        self, images, batch_size=8, threshold=None, long_side=None
    ) -> Any:
        """The class ids of images. See `keras_seg.inference.predict_labels`."""
        return predict_labels(self, images, batch_size, threshold, long_side)

    def segment(
        self, image, tile=None, overlap=0.125, threshold=None, long_side=None
    ) -> np.ndarray:
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
        if self.head_logits is None:
            return None  # `call_padded` does not know the subclass's own `call`
        largest = self.resize_to_multiple.largest_size
        return largest(height), largest(width)

    def shared_size(self, height, width):
        """A larger size, one of few, that images of this size can be padded to.

        Its sides are 1, 2, 3, 4, 6, 8, 12, 16, ... times the `size_multiple`.

        Returns:
            Pair of integers, or `None` if images can only be padded to `padded_size`,
            as the network has layers for which padding cannot be masked.
        """
        if not self.masks_padding or self.padded_size(height, width) is None:
            return None
        resize = self.resize_to_multiple
        count = [resize.enlarged(n) // resize.multiple for n in (height, width)]
        sides = [resize.multiple * _round_up(n) for n in count]
        return tuple(resize.largest_within(side) for side in sides)

    @functools.cached_property
    def masks_padding(self):
        """Whether all layers can leave out padding, see `valid_region`."""
        # The head's class must say so itself: a subclass may override `call`.
        return (
            "masks_padding" in vars(type(self.head))
            and self.head.masks_padding
            and can_mask_padding(self.pyramid, self.resize_to_multiple.multiple)
        )

    def call_padded(self, images, size):
        """Computes logits of images that fill only the top left of an array.

        The padding has no effect: the network gets the images resized from `size`, and
        leaves out what lies beyond them.

        Args:
            images: Tensor `(B, H, W, 3)`, of the size that `padded_size` gives, or
                `shared_size`, or `padded_size` of a larger image if that is not `None`.
            size: Pair of scalar integer tensors, height and width of the images.

        Returns:
            Tensor `(B, H, W, num_classes)`, valid up to `size`.
        """
        return self.compute_outputs(images, training=False, size=size)["logits"]

    def unpadded(self, outputs, size, full):
        """The part of the logits of padded images that is valid.

        Args:
            outputs: Array `(B, H, W, K)`, the result of `call_padded`.
            size, full: Pairs `(height, width)`, sizes of the images without and with
                padding.
        """
        return outputs[:, : size[0], : size[1]]

    def head_size(self, shape, size, full):
        """The size of the part of a map of the head that is valid.

        Args:
            shape: Pair, height and width of the map of padded images.
            size, full: See `unpadded`; `size` may hold scalar integer tensors.
        """
        enlarged = self.resize_to_multiple.enlarged
        edges = zip(shape, size, full, strict=True)
        return [n * enlarged(side) // enlarged(most) for n, side, most in edges]

    def _resize_input(self, images, size=None):
        if size is None:
            return self.resize_to_multiple(images)
        enlarged = self.resize_to_multiple.enlarged
        shape = [enlarged(n) for n in images.shape[1:3]]
        return resize_padded(images, size, [enlarged(n) for n in size], shape)

    def _valid_region(self, x, size):
        if size is None or not self.masks_padding:
            return contextlib.nullcontext()
        valid = [self.resize_to_multiple.enlarged(n) for n in size]
        return valid_region(valid, x.shape[1:3])

    def _resize_logits(self, logits, images, size=None):
        if size is None:
            return self.resize_to_match(logits, images)
        full = images.shape[1:3]
        valid = self.head_size(logits.shape[1:3], size, full)
        return resize_padded(logits, valid, size, full)


def _round_up(n):
    """The smallest of 1, 2, 3, 4, 6, 8, 12, 16, ... that is at least `n`."""
    power = 1 << (n - 1).bit_length()
    return 3 * power // 4 if power >= 4 and 3 * power // 4 >= n else power
