"""A model with the options of `keras-seg predict`: from images to files."""

import functools

from keras_seg_cli.batch import load_exported, load_preset, save_pictures
from keras_seg_cli.class_shares import VOID_NAME, share_names


class Predictor:
    """Segments images and draws the result.

    Args:
        model: Model with `num_classes`, `class_names`, `palette` and `ignore_class`.
        segment: Function from an image to labels.
        options: Namespace of `alpha`, `legend`, `threshold` and `long_side`.

    Example:

    ```python
    import types

    import numpy as np
    from keras_seg_cli.predictor import Predictor

    model = types.SimpleNamespace(
        num_classes=2, class_names=["sky", "sea"], palette=None, ignore_class=255
    )
    print(Predictor(model, None, None).share_names)  # ['sky', 'sea', 'uncertain']
    ```
    """

    def __init__(self, model, segment, options):
        self.model, self.options = model, options
        self.ignore_class = model.ignore_class
        count = model.num_classes
        self.class_names = model.class_names or [f"class {i}" for i in range(count)]
        self.share_names = share_names(model.class_names, count)
        self.segment_image = segment

    @functools.cached_property
    def palette(self):
        if self.model.palette is not None:
            return self.model.palette
        from keras_seg.data import default_palette

        return default_palette(self.model.num_classes)

    def segment(self, image):
        """The labels `(H, W)` of an image `(H, W, 3)`."""
        return self.segment_image(
            image,
            threshold=self.options.threshold,
            long_side=self.options.long_side,
        )

    def draw(self, image, labels, legend):
        """The overlay of an image: uint8 array."""
        from keras_seg_runtime import draw_overlay

        return draw_overlay(
            image,
            labels,
            self.class_names,
            self.palette,
            alpha=self.options.alpha,
            legend=legend,
            ignore_class=self.ignore_class,
            void_name=VOID_NAME,
        )

    def write_pictures(self, job):
        """Writes the overlay and the labels of an image; returns the labels."""
        from PIL import Image

        from keras_seg_runtime import label_png
        from keras_seg_runtime.images.read_image import read_image

        image = read_image(job.image)
        labels = self.segment(image)
        if job.labels is None:
            return labels
        overlay = self.draw(image, labels, self.options.legend)
        save_pictures(
            [
                (label_png(labels, self.palette), job.labels, {}),
                (Image.fromarray(overlay), job.overlay, {"quality": 92}),
            ]
        )
        return labels

    def write_geotiff(self, job):
        """Writes the labels of a GeoTIFF.

        Returns:
            `(height, width)` and a dictionary from class ids to numbers of pixels.
        """
        from keras_seg_runtime import segment_geotiff

        return segment_geotiff(
            self.model,
            job.image,
            job.overlay,
            threshold=self.options.threshold,
            long_side=self.options.long_side,
        )


def load_predictor(options):
    """Loads the model of the options, or reports an error and returns `None`."""
    if options.model:
        model = load_exported(options.model)
        return model and Predictor(model, model.segment, options)
    model = load_preset(options.preset)
    if model is None:
        return None
    from keras_seg import inference
    from keras_seg.inference.inference_model import InferenceModel

    segment = functools.partial(inference.segment, model)
    return Predictor(InferenceModel.of(model), segment, options)
