import numpy as np

from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.labels.longest_side import longest_side_size
from keras_seg_runtime.labels.predict_logits import padded_window
from keras_seg_runtime.labels.segment import segment
from keras_seg_runtime.labels.window_size import OVERLAP


class ExportedModel:
    """An exported model. Use `keras_seg_runtime.load` to create one.

    It has the attributes `num_classes`, `class_names`, `palette`, `ignore_class`,
    `long_side`, `input_scale` and `input_shape` of the model that was exported, and
    `description`, the content of `NAME.json`.

    Args:
        session: Object with a method `run` from images to the output of the file.
        description: Dictionary, the content of `NAME.json`.
        entry: Dictionary, its entry for this file.

    Example:

    ```python
    import keras_seg_runtime

    def save_overlay(photo, model):
        image = keras_seg_runtime.as_rgb(photo)
        labels = model.segment(image)
        return keras_seg_runtime.draw_overlay(
            image, labels, model.class_names, model.palette
        )
    ```
    """

    def __init__(self, session, description, entry) -> None:
        self.session = session
        self.description = description
        self.output = entry["output"]
        self.input_shape = (None, *(entry["size"] or (None, None)), 3)
        self.num_classes = description["num_classes"]
        self.class_names = description["class_names"]
        self.palette = description["palette"]
        self.ignore_class = description["ignore_class"]
        self.long_side = description["long_side"]
        self.input_scale = description["input_scale"]
        if self.output == "head_logits":  # `segment` upsamples them
            self.predict_head_on_batch = self.predict_on_batch

    def predict_on_batch(self, images) -> np.ndarray:
        """The output of the file for a batch of images.

        Args:
            images: uint8 array `(B, H, W, 3)`, RGB.

        Returns:
            Logits `(B, H, W, num_classes)` in float32; `(B, h, w, num_classes)` if the
            file was exported with the logits of the head, or labels `(B, H, W)` if it
            was exported with labels.
        """
        images = np.asarray(images)
        fixed = self.input_shape[1:3]
        if (
            images.dtype != np.uint8
            or images.ndim != 4
            or images.shape[3] != 3
            or 0 in images.shape
            or (None not in fixed and images.shape[1:3] != fixed)
        ):
            size = "height, width" if None in fixed else "{}, {}".format(*fixed)
            raise ValueError(
                f"Images must be a uint8 array of shape (batch, {size}, 3). "
                f"Received: shape {images.shape}, dtype {images.dtype}"
            )
        return self.session.run(np.ascontiguousarray(images))

    def segment(
        self, image, tile=None, overlap=OVERLAP, threshold=None, long_side=None
    ) -> np.ndarray:
        """Predicts the class of every pixel of one image, at the image's own size.

        Args:
            image: Path of an image file, a Pillow image, or an array `(H, W, 3)`.
            tile, overlap, threshold, long_side: See `keras_seg_runtime.segment`.

        Returns:
            NumPy array `(H, W)`: uint8 where all ids fit, else int32.

        Raises:
            ValueError: See `keras_seg_runtime.segment`; also if the file was exported
                with labels, and the image cannot be processed as it is.
        """
        if self.output != "labels":
            return segment(
                self, image, tile, overlap, threshold=threshold, long_side=long_side
            )
        image = as_rgb(image)
        size = image.shape[:2]
        long_side = self.long_side if long_side is None else long_side
        fixed = self.input_shape[1:3]
        needs_logits = {
            "a threshold": threshold is not None,
            "tiles": tile is not None,
            f"an image of {size[0]} x {size[1]} pixels, which is larger than "
            f"long_side={long_side}": longest_side_size(*size, long_side) != size,
            f"an image of {size[0]} x {size[1]} pixels, as it takes {fixed}": None
            not in fixed
            and any(side > most for side, most in zip(size, fixed, strict=True)),
        }
        for what, needed in needs_logits.items():
            if needed:
                raise ValueError(
                    f"This file returns labels, and {what} requires logits. Export it "
                    "without labels, or resize the image yourself and pass long_side=0."
                )
        images = padded_window(self, image)[None]
        labels = self.predict_on_batch(images)[0]
        return np.array(labels[: size[0], : size[1]])
