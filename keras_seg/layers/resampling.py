"""Resampling of maps along height and width, as products with matrices.

This works for every size, also unknown ones, and for maps that are padded: a matrix has
rows for all new positions and columns for all old ones, and zeros in those of padding.
"""

from typing import Any

from keras import ops


def resample(x, make_matrix, old, new, size) -> Any:
    """Maps height and width of a feature map to new ones, each with a matrix.

    Args:
        x: Tensor `(B, H, W, C)` of finite numbers.
        make_matrix: `averaging_matrix` or `aligned_matrix`.
        old, new: Pairs `(height, width)` of integers or scalar integer tensors: the
            part of `x` that is not padding, and its new size.
        size: Pair. Height and width of the result; what lies beyond `new` is zero.

    Returns:
        Tensor `(B, *size, C)`.
    """
    height, width = ops.shape(x)[1:3]
    rows = make_matrix(new[0], old[0], (size[0], height), x.dtype)  # (h, H)
    columns = make_matrix(new[1], old[1], (size[1], width), x.dtype)  # (w, W)
    x = ops.einsum("hH,bHWc->bhWc", rows, x)  # (B, h, W, C)
    return ops.einsum("wW,bhWc->bhwc", columns, x)  # (B, h, w, C)


def averaging_matrix(new, old, shape, dtype) -> Any:
    """Means over cells: adaptive pooling of `old` positions to `new`.

    Cell `i` covers the positions from `floor(i * old / new)` to
    `ceil((i + 1) * old / new)`, as in the published methods.

    Args:
        new, old: Integers or scalar integer tensors.
        shape: Pair, the shape of the matrix, at least `(new, old)`.
        dtype: String. Data type of the matrix.

    Returns:
        Tensor of this shape.
    """
    cell, position = _indices(shape)  # (h, 1), (1, H)
    start = cell * old // new
    end = ((cell + 1) * old + new - 1) // new
    inside = ops.logical_and(position >= start, position < end)  # (h, H)
    inside = ops.logical_and(inside, cell < new)
    matrix = ops.cast(inside, "float32") / ops.cast(end - start, "float32")
    return ops.cast(matrix, dtype)


def aligned_matrix(new, old, shape, dtype) -> Any:
    """Linear interpolation in which the first and last positions coincide.

    This is what other libraries call `align_corners=True`.

    Args:
        new, old: Integers or scalar integer tensors.
        shape: Pair, the shape of the matrix, at least `(new, old)`.
        dtype: String. Data type of the matrix.

    Returns:
        Tensor of this shape.
    """
    target, source = _indices(shape)  # (h, 1), (1, H)
    # Target i lies at i * (old - 1) / (new - 1); exact, as all is in units of its
    # denominator.
    steps = ops.maximum(new - 1, 1)
    distance = ops.abs(target * (old - 1) - source * steps)  # (h, H)
    weight = ops.maximum(steps - distance, 0)
    weight = ops.where(target < new, weight, 0)
    matrix = ops.cast(weight, "float32") / ops.cast(steps, "float32")
    return ops.cast(matrix, dtype)


def _indices(shape):
    return ops.arange(shape[0])[:, None], ops.arange(shape[1])[None, :]
