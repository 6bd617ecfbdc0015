import math

import keras
from keras import ops

from keras_seg.keras_internals.replica_sum import joint_denominator, replica_sum
from keras_seg.layers.scatter_classes import has_channel
from keras_seg.losses.class_ids import class_ids


@keras.saving.register_keras_serializable(package="keras_seg")
class SegmentationLoss(keras.losses.Loss):
    """Pixel-wise cross-entropy with class weights, and a soft Jaccard term.

    Without class weights and Jaccard term it equals
    `keras.losses.SparseCategoricalCrossentropy(ignore_class=...)`. Use these weights in
    place of `class_weight` of `fit`, which does not support label maps. The Jaccard
    term is one minus the intersection over union of probabilities and labels, over all
    pixels of a batch, averaged over the classes present: a differentiable form of mean
    IoU. On several devices, pixels are those of the joint batch of all devices.

    Args:
        ignore_class: Integer. The void label.
        class_weights: List of one float per class, or `None`.
        jaccard: Float. Weight of the Jaccard term.
        label_smoothing: Float. Label smoothing of the cross-entropy: this share of
            the target is spread evenly over the classes, without those that a model
            with `classes_learned` has not learned.
        **kwargs: Passed to `keras.losses.Loss`.

    Call arguments:
        y_true: Integer tensor `(B, H, W)` or `(B, H, W, 1)`, class ids.
        y_pred: Tensor `(B, H, W, K)`, logits.
        sample_weight: Tensor `(B, H, W)`, or `None`. Multiplies the cross-entropy of
            each pixel, which is still normalised by the class weights of the valid
            pixels. The Jaccard term, one number for the batch, is multiplied by the
            mean sample weight.

    Raises:
        ValueError: If there is not one class weight per class, a number is out of
            range, labels are not class ids, or `reduction` is not the mean over the
            batch.

    Example:

    ```python
    import numpy as np
    import keras_seg

    loss = keras_seg.losses.SegmentationLoss(jaccard=1.0, class_weights=[1, 2, 2])
    labels = np.array([[[0, 1], [255, 1]]])
    print(float(loss(labels, np.zeros((1, 2, 2, 3), "float32"))))
    ```
    """

    # The mean over the replicas is the loss of their joint batch.
    is_joint = True

    def __init__(
        self,
        ignore_class=255,
        class_weights=None,
        jaccard=0.0,
        label_smoothing=0.0,
        name="segmentation_loss",
        **kwargs,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if self.reduction not in ("sum_over_batch_size", "mean"):
            raise ValueError(
                "SegmentationLoss is a mean over the valid pixels of a batch. "
                f"Received: reduction='{self.reduction}'. Leave it out."
            )
        self.ignore_class = ignore_class
        if class_weights is not None:
            class_weights = [float(weight) for weight in class_weights]
            _check_weights(class_weights)
        for argument, value, largest in (
            ("jaccard", jaccard, math.inf),
            ("label_smoothing", label_smoothing, 1.0),
        ):
            if not 0 <= value < largest:
                raise ValueError(
                    f"`{argument}` must be at least 0 and below {largest}. Received: "
                    f"{argument}={value}."
                )
        self.class_weights = class_weights
        self.jaccard = jaccard
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        num_classes = y_pred.shape[-1]
        if self.class_weights is not None and len(self.class_weights) != num_classes:
            raise ValueError(
                f"`class_weights` has {len(self.class_weights)} entries, the logits "
                f"have {num_classes} classes. Give one weight per class."
            )
        labels = class_ids(
            y_true, "SegmentationLoss", num_classes, self.ignore_class
        )  # (B, H, W)
        logits = ops.cast(y_pred, "float32")
        valid = ops.not_equal(labels, self.ignore_class)  # (B, H, W)
        safe = ops.where(valid, labels, 0)
        valid = ops.cast(valid, "float32")
        weight = valid
        if self.class_weights is not None:
            table = ops.convert_to_tensor(self.class_weights, dtype="float32")
            weight = weight * ops.take(table, safe)

        log_probability = ops.log_softmax(logits, axis=-1)  # (B, H, W, K)
        masks = ops.one_hot(safe, num_classes, dtype="float32")
        target = masks
        if self.label_smoothing:
            learned = ops.cast(has_channel(logits), "float32")  # (B, H, W, K)
            number = ops.sum(learned, axis=-1, keepdims=True)
            share = self.label_smoothing / ops.maximum(number, 1)
            target = masks * (1 - self.label_smoothing) + learned * share
        loss = -ops.sum(target * log_probability, axis=-1) * weight
        # Turns the mean that Keras takes over all pixels into one over the valid
        # weight.
        scale = ops.cast(ops.size(loss), "float32")
        loss = loss * scale / joint_denominator(ops.sum(weight), 1e-6)
        if self.jaccard:
            loss = loss + self.jaccard * self._jaccard(
                masks, ops.exp(log_probability), valid
            )
        return loss

    def _jaccard(self, masks, probability, valid):
        masks = masks * valid[..., None]
        probability = probability * valid[..., None]
        overlap = ops.sum(probability * masks, axis=(0, 1, 2))  # (K,)
        pixels = ops.sum(masks, axis=(0, 1, 2))
        union = ops.sum(probability, axis=(0, 1, 2)) + pixels - overlap
        joint = replica_sum(ops.stack([overlap, pixels, union]))  # (3, K)
        overlap, pixels, union = joint[0], joint[1], joint[2]
        present = ops.cast(pixels > 0, "float32")
        loss = (1 - (overlap + 1) / (union + 1)) * present
        return ops.sum(loss) / ops.maximum(ops.sum(present), 1)

    def get_config(self):
        return {
            **super().get_config(),
            "ignore_class": self.ignore_class,
            "class_weights": self.class_weights,
            "jaccard": self.jaccard,
            "label_smoothing": self.label_smoothing,
        }


def _check_weights(weights):
    if len(weights) >= 2 and sum(weights) > 0 and min(weights) >= 0:
        if math.isfinite(sum(weights)):
            return
    raise ValueError(
        "`class_weights` must be finite numbers of at least 0, one for each of at "
        f"least 2 classes, and not all 0. Received: class_weights={weights}."
    )
