from keras import ops


def assign_regions(regions, masks):
    """Assigns every region to a connected component of the ground truth.

    Components are processed by area, the largest first, and each is assigned the
    unassigned region that overlaps it most. Every remaining region is then assigned to
    the component that it overlaps most. So each component has at least one region if
    there are enough of them. Components of equal area are ordered by their first
    positions, so the result does not depend on their numbers. The formula is ours; see
    `region_loss`.

    Args:
        regions: Tensor `(B, P, K)`. Membership of each of `P` positions in each of `K`
            regions.
        masks: Tensor `(B, P, M)` of zeros and ones, `M` components that do not overlap.
            Empty components are ignored.

    Returns:
        Tensor `(B, K, M)` of zeros and ones, without gradient: the component of each
        region; all zeros if there are no components.

    Example:

    ```python
    import numpy as np
    from keras_seg.losses.assign_regions import assign_regions

    masks = np.array([[[1, 0], [1, 0], [0, 1]]], "float32")
    regions = np.array([[[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]], "float32")
    print(assign_regions(regions, masks)[0])  # [[1, 0], [1, 0], [0, 1]]
    ```
    """
    masks = ops.cast(masks, "float32")
    regions = ops.stop_gradient(ops.cast(regions, "float32"))
    num_regions, num_components = regions.shape[-1], masks.shape[-1]
    area = ops.sum(masks, axis=1)  # (B, M)
    order = _order(area, ops.argmax(masks, axis=1))  # (B, M, M): number, place
    overlap = ops.einsum("bpk,bpm->bkm", regions, masks)
    overlap = ops.einsum("bkm,bmr->bkr", overlap, order)  # (B, K, M) by place
    present = ops.einsum("bm,bmr->br", ops.cast(area > 0, "float32"), order)

    free = ops.ones_like(overlap[:, :, 0])  # (B, K)
    claimed = []
    for place in range(num_components):
        best = ops.argmax(overlap[:, :, place] * free + free, axis=1)  # (B,)
        claim = ops.one_hot(best, num_regions, dtype="float32") * free
        claim = claim * present[:, place : place + 1]  # (B, K)
        claimed.append(claim)
        free = free - claim
    best = ops.argmax(overlap + present[:, None, :], axis=2)  # (B, K)
    owned = ops.one_hot(best, num_components, dtype="float32") * present[:, None, :]
    owned = owned * free[:, :, None] + ops.stack(claimed, axis=2)  # (B, K, M)
    return ops.stop_gradient(ops.einsum("bkr,bmr->bkm", owned, order))


def _order(area, first):
    """One-hot places `(B, M, M)` of components by area, then by first position."""
    larger = area[:, :, None] > area[:, None, :]
    equal = ops.equal(area[:, :, None], area[:, None, :])
    sooner = first[:, :, None] < first[:, None, :]
    # Only empty components share a first position; their order does not matter.
    same = ops.equal(first[:, :, None], first[:, None, :])
    number = ops.arange(area.shape[1])
    sooner = ops.logical_or(
        sooner, ops.logical_and(same, (number[:, None] < number[None, :])[None])
    )
    before = ops.logical_or(larger, ops.logical_and(equal, sooner))  # (B, M, M)
    place = ops.sum(ops.cast(before, "int32"), axis=1)  # (B, M)
    return ops.one_hot(place, area.shape[1], dtype="float32")
