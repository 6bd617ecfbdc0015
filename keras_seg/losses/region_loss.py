from typing import Any

from keras import ops

from keras_seg.keras_internals.replica_sum import joint_denominator
from keras_seg.layers.resizing import resize_nearest
from keras_seg.losses.assign_regions import assign_regions


def region_loss(components, regions, max_components=32, smoothing=1.0) -> Any:
    """Fits unions of regions to the connected components of the ground truth.

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338) states that the union of several
        regions should be one connected component. **The formulas are ours.** Each
        region is assigned to a component `g`, see `assign_regions`; with the union

            U_g(x) = sum of P_k(x) over the regions k of g

        the loss of `g` is the Dice loss of `U_g` and the mask of `g`, with `smoothing`
        in numerator and denominator, plus the mean of their binary cross-entropy. The
        result is the mean over all components of a batch that have a region.

    Positions without a component are ignored: void, and components that are too small.
    Each position is compared with the component at its centre.

    Args:
        components: Integer tensor `(B, H, W)`: 0 for none, otherwise a number up to
            `max_components`, as `keras_seg.data.connected_components` returns them.
        regions: Tensor `(B, h, w, K)`. Membership of each position in each region; sums
            to 1.
        max_components: Integer. Larger numbers count as none.
        smoothing: Float. Added to numerator and denominator of the Dice loss.

    Returns:
        Scalar; 0 when there are no components.

    Example:

    ```python
    import numpy as np
    import keras_seg

    components = np.array([[[1, 1, 2], [1, 1, 0]]])
    regions = np.full((1, 2, 3, 4), 0.25, "float32")
    loss = keras_seg.losses.region_loss(components, regions, max_components=2)
    ```
    """
    regions = ops.cast(regions, "float32")
    shape = ops.shape(regions)
    components = resize_nearest(ops.cast(components, "int32"), shape[1:3])  # (B, h, w)
    positions = shape[1] * shape[2]
    components = ops.reshape(components, (-1, positions))  # (B, P)
    regions = ops.reshape(regions, (-1, positions, regions.shape[-1]))  # (B, P, K)
    numbers = ops.where(components <= max_components, components, 0) - 1
    # one_hot of -1 is all zeros
    masks = ops.one_hot(numbers, max_components, dtype="float32")  # (B, P, M)

    owners = assign_regions(regions, masks)  # (B, K, M)
    owns = ops.max(owners, axis=1)  # (B, M)
    valid = ops.sum(masks, axis=2, keepdims=True)  # (B, P, 1)
    union = ops.einsum("bpk,bkm->bpm", regions, owners)  # (B, P, M)
    overlap = ops.sum(union * masks, axis=1)  # (B, M)
    total = ops.sum((union + masks) * valid, axis=1)
    dice = 1 - (2 * overlap + smoothing) / (total + smoothing)
    union = ops.clip(union, EPSILON, 1 - EPSILON)
    crossentropy = -masks * ops.log(union) - (1 - masks) * ops.log(1 - union)
    crossentropy = ops.sum(crossentropy * valid, axis=1)  # (B, M)
    crossentropy = crossentropy / ops.maximum(ops.sum(valid, axis=1), 1)
    loss = (dice + crossentropy) * owns
    return ops.sum(loss) / joint_denominator(ops.sum(owns))


EPSILON = 1e-6
