"""Losses of one binary mask per class that is present in an image.

Void pixels are excluded from every sum. Masks are compared at their own resolution:
each cell is compared with the label at its centre (our choice; the papers do not
specify it).
"""

from typing import Any

from keras import ops

from keras_seg.keras_internals.replica_sum import joint_denominator
from keras_seg.layers.resizing import resize_nearest
from keras_seg.losses.class_ids import class_ids


def focal_mask_loss(
    labels, mask_logits, ignore_class=255, alpha=0.25, gamma=2.0
) -> Any:
    """Sigmoid focal loss of class masks.

    Reference:
        [Focal Loss for Dense Object Detection](https://arxiv.org/abs/1708.02002). The
        default constants are those of the public code of related methods.

    Args:
        labels: Integer tensor `(B, H, W)` or `(B, H, W, 1)`, class ids.
        mask_logits: Tensor `(B, h, w, K)`.
        ignore_class: Integer. The void label.
        alpha: Float. Weight of the pixels inside a mask.
        gamma: Float. Focusing parameter: the larger, the less easy pixels count.

    Returns:
        Scalar: the mean over the masks of the mean over valid pixels; 0 when no
        class is present.

    Example:

    ```python
    import numpy as np
    import keras_seg

    labels = np.array([[[0, 1], [255, 1]]])
    logits = np.zeros((1, 2, 2, 3), "float32")
    loss = keras_seg.losses.focal_mask_loss(labels, logits)
    ```
    """
    masks, valid, present = _binary_masks(labels, mask_logits, ignore_class)
    logits = ops.cast(mask_logits, "float32")
    crossentropy = ops.binary_crossentropy(masks, logits, from_logits=True)
    probability = ops.sigmoid(logits)
    miss = masks * (1 - probability) + (1 - masks) * probability
    weight = masks * alpha + (1 - masks) * (1 - alpha)
    loss = crossentropy * weight * ops.power(miss, gamma)  # (B, h, w, K)
    loss = ops.sum(loss * valid, axis=(1, 2))  # (B, K)
    loss = loss / ops.maximum(ops.sum(valid, axis=(1, 2)), 1)
    return _mean_over_present(loss, present)


def dice_mask_loss(labels, mask_logits, ignore_class=255, smoothing=1.0) -> Any:
    """Dice loss of class masks.

    Args:
        labels: Integer tensor `(B, H, W)` or `(B, H, W, 1)`, class ids.
        mask_logits: Tensor `(B, h, w, K)`.
        ignore_class: Integer. The void label.
        smoothing: Float. Added to numerator and denominator.

    Returns:
        Scalar: the mean over the masks; 0 when no class is present.

    Example:

    ```python
    import numpy as np
    import keras_seg

    labels = np.array([[[0, 1], [255, 1]]])
    logits = np.zeros((1, 2, 2, 3), "float32")
    loss = keras_seg.losses.dice_mask_loss(labels, logits)
    ```
    """
    masks, valid, present = _binary_masks(labels, mask_logits, ignore_class)
    probability = ops.sigmoid(ops.cast(mask_logits, "float32")) * valid
    overlap = ops.sum(probability * masks, axis=(1, 2))  # (B, K)
    total = ops.sum(probability, axis=(1, 2)) + ops.sum(masks, axis=(1, 2))
    loss = 1 - (2 * overlap + smoothing) / (total + smoothing)
    return _mean_over_present(loss, present)


def _binary_masks(labels, mask_logits, ignore_class):
    mask_logits = ops.convert_to_tensor(mask_logits)
    shape = ops.shape(mask_logits)
    labels = class_ids(labels, "A mask loss", mask_logits.shape[-1], ignore_class)
    labels = resize_nearest(labels, shape[1:3])  # (B, h, w)
    valid = ops.not_equal(labels, ignore_class)
    classes = ops.where(valid, labels, -1)  # one_hot of -1 is all zeros
    masks = ops.one_hot(classes, mask_logits.shape[-1], dtype="float32")
    valid = ops.cast(valid, "float32")[..., None]  # (B, h, w, 1)
    return masks, valid, ops.max(masks, axis=(1, 2))  # present: (B, K)


def _mean_over_present(loss, present):
    return ops.sum(loss * present) / joint_denominator(ops.sum(present))
