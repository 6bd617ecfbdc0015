import math

import cv2
import numpy as np

from keras_seg.metrics.confusion_metric import check_num_classes


class BoundaryIoU:
    """IoU of the pixels near the borders of classes, over a whole data set.

    Of the mask of each class, in truth and prediction, only the pixels within a
    distance `d` of its border are compared. IoU is dominated by the inside of large
    regions; this metric shows how well their borders are drawn. As in
    `keras_seg.metrics.MeanIoU`, pixels are summed over all images first, and classes
    without any are excluded from the mean.

    The border of an image is a border of the masks. Void pixels of the truth are not
    counted, and a border to void is none.

    It is computed with NumPy on whole label maps, and is no metric for `compile`.

    Reference:
        [Boundary IoU](https://arxiv.org/abs/2103.16562), CVPR 2021.

    Args:
        num_classes: Integer. Number of classes `K`.
        ignore_class: Integer or `None`. The void label.
        dilation_ratio: Float. The distance `d` in diagonals of the image, at least one
            pixel; 0.02 in the paper.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    import numpy as np
    import keras_seg

    truth = np.zeros((40, 40), "uint8")
    truth[10:30, 10:30] = 1
    metric = keras_seg.metrics.BoundaryIoU(num_classes=2)
    metric.update_state(truth, np.roll(truth, 1, axis=1))
    print(round(metric.result(), 3))
    ```
    """

    def __init__(self, num_classes, ignore_class=255, dilation_ratio=0.02) -> None:
        check_num_classes(num_classes)
        if not 0 < dilation_ratio <= 1:
            raise ValueError(
                "`dilation_ratio` must be above 0 and at most 1. Received: "
                f"dilation_ratio={dilation_ratio!r}."
            )
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.dilation_ratio = dilation_ratio
        self.reset_state()

    def reset_state(self):
        """Forgets all images."""
        self.overlap = np.zeros(self.num_classes, "int64")
        self.union = np.zeros(self.num_classes, "int64")

    def update_state(self, y_true, y_pred):
        """Counts the pixels of one image.

        Args:
            y_true: Integer array `(H, W)`, class ids.
            y_pred: Integer array of the same shape.

        Raises:
            ValueError: If the arrays are no label maps of one size.
        """
        truth, guess = np.asarray(y_true), np.asarray(y_pred)
        for name, array in (("y_true", truth), ("y_pred", guess)):
            if array.ndim != 2 or array.dtype.kind not in "iu":
                raise ValueError(
                    f"`{name}` must be a label map, an integer array (H, W). Received: "
                    f"shape {array.shape}, dtype {array.dtype}."
                )
        if truth.shape != guess.shape:
            raise ValueError(
                "Truth and prediction must have one size. Received: y_true of "
                f"{truth.shape} and y_pred of {guess.shape}."
            )
        distance = self._distance(*truth.shape)
        void = np.zeros(truth.shape, bool)
        if self.ignore_class is not None:
            void = truth == self.ignore_class
        for class_id in np.union1d(truth, guess):
            if not 0 <= class_id < self.num_classes or class_id == self.ignore_class:
                continue
            bands = []
            for array in (truth, guess):
                mask = array == class_id
                # Void counts as part of the mask where its inside is looked for.
                bands.append(mask & ~_inside(mask | void, distance) & ~void)
            self.overlap[class_id] += np.sum(bands[0] & bands[1])
            self.union[class_id] += np.sum(bands[0] | bands[1])

    def class_iou(self):
        """Boundary IoU per class; NaN where a class does not occur."""
        return np.where(
            self.union > 0, self.overlap / np.maximum(self.union, 1), np.nan
        )

    def result(self):
        """The mean over the classes that occur, a float; 0 without any."""
        values = self.class_iou()
        return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0

    def _distance(self, height, width):
        return max(1, round(self.dilation_ratio * math.hypot(height, width)))


def _inside(mask, distance):
    """The pixels of a mask that are farther than a distance from its border."""
    padded = np.pad(mask.astype("uint8"), 1)  # outside of the image is no mask
    kernel = np.ones((3, 3), "uint8")
    inside = cv2.erode(padded, kernel, iterations=distance)
    return inside[1:-1, 1:-1].astype(bool)
