import keras
from keras import ops

from keras_seg.keras_internals.concrete_values import concrete_values
from keras_seg.layers.resizing import resize_nearest
from keras_seg.losses.class_ids import class_ids
from keras_seg.metrics.confusion_metric import check_num_classes


class RegionMetric(keras.metrics.Metric):
    """Base class of metrics of latent regions: the mean of one score per image.

    A subclass defines `score(counts)`, a function from the number of pixels that each
    region shares with each label, float32 `(B, K, L)`, to one score per image, `(B,)`.
    Images without valid labels are ignored.

    Args:
        num_labels: Integer. Number of labels `L`.
        num_regions: Integer or `None`. Number of regions `K`. `None` infers it from the
            maps; it is required if regions are given as ids.
        ignore_class: Integer or `None`. The void label.
        name: String.
        dtype: Passed to `keras.metrics.Metric`.
    """

    def __init__(
        self, num_labels, num_regions=None, ignore_class=255, name=None, dtype=None
    ):
        super().__init__(name=name, dtype=dtype)
        check_num_classes(num_labels, "num_labels")
        if num_regions is not None and num_regions < 1:
            raise ValueError(
                "`num_regions` must be at least 1. Received: num_regions="
                f"{num_regions}."
            )
        self._direction = "up"
        self.num_labels = num_labels
        self.num_regions = num_regions
        self.ignore_class = ignore_class
        self.total = self.add_variable((), "zeros", name="total")
        self.images = self.add_variable((), "zeros", name="images")

    def update_state(self, y_true, y_pred, sample_weight=None):
        counts = ops.cast(self._counts(y_true, y_pred), "float32")  # (B, K, L)
        counted = ops.cast(ops.sum(counts, axis=(1, 2)) > 0, "float32")
        total = ops.convert_to_tensor(self.total)
        images = ops.convert_to_tensor(self.images)
        self.total.assign(total + ops.sum(self.score(counts) * counted))
        self.images.assign(images + ops.sum(counted))

    def _counts(self, y_true, y_pred):
        labels = class_ids(
            y_true,
            type(self).__name__,
            self.num_labels,
            self.ignore_class,
            "num_labels",
        )  # (B, H, W)
        regions = ops.convert_to_tensor(y_pred)
        num_regions = self.num_regions
        if len(regions.shape) == 4:
            num_regions = num_regions or regions.shape[-1]
            if regions.shape[-1] != num_regions:
                raise ValueError(
                    f"{type(self).__name__} has num_regions={num_regions}. Received: "
                    f"maps of {regions.shape[-1]} regions."
                )
            regions = ops.argmax(regions, axis=-1)
        if num_regions is None:
            raise ValueError(
                f"{type(self).__name__} cannot infer the number of regions from ids of "
                f"shape {tuple(regions.shape)}. Pass num_regions=..., or maps (B, H, "
                "W, K)."
            )
        values = concrete_values(regions)
        if values is not None and not ((values >= 0) & (values < num_regions)).all():
            raise ValueError(
                f"{type(self).__name__} takes ids of regions from 0 to "
                f"{num_regions - 1}. Received: ids from {values.min()} to "
                f"{values.max()}. Pass the right num_regions=...."
            )
        regions = ops.cast(regions, "int32")
        shape = ops.shape(regions)
        labels = resize_nearest(labels, shape[1:3])  # (B, H, W)
        valid = ops.logical_and(labels >= 0, labels < self.num_labels)
        is_region = ops.logical_and(regions >= 0, regions < num_regions)
        valid = ops.logical_and(valid, is_region)
        if self.ignore_class is not None:
            valid = ops.logical_and(valid, labels != self.ignore_class)
        image = ops.arange(shape[0])[:, None, None]
        cells = shape[0] * num_regions * self.num_labels
        index = (image * num_regions + regions) * self.num_labels + labels
        index = ops.reshape(ops.where(valid, index, cells), (-1,))
        counts = ops.segment_sum(ops.ones_like(index), index, cells + 1)
        return ops.reshape(counts[:-1], (-1, num_regions, self.num_labels))

    def result(self):
        return self.total / ops.maximum(self.images, 1.0)

    def get_config(self):
        return {
            **super().get_config(),
            "num_labels": self.num_labels,
            "num_regions": self.num_regions,
            "ignore_class": self.ignore_class,
        }
