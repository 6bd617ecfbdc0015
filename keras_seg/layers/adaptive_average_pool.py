from keras import ops


def adaptive_average_pool(x, sizes):
    """Averages maps over grids of `n` x `n` cells, for several `n` at once.

    Cell `i` of `n` along an axis of length `L` covers the positions from
    `floor(i * L / n)` to `ceil((i + 1) * L / n)`, as adaptive pooling does in the
    published methods. Written as products with averaging matrices: it works for
    every height and width, also unknown ones, and its gradient is a product too.

    Args:
        x: Tensor of shape `(B, H, W, K)`.
        sizes: List of integers, the numbers of cells along a side.

    Returns:
        Tensor of shape `(B, sum(n * n for n in sizes), K)`: the cells of each grid
        row by row, grids in the order of `sizes`.

    Example:

    ```python
    import numpy as np
    import keras_seg

    maps = np.random.normal(size=(1, 5, 7, 3)).astype("float32")
    print(keras_seg.layers.adaptive_average_pool(maps, [1, 2]).shape)  # (1, 5, 3)
    ```
    """
    x = ops.convert_to_tensor(x)
    shape = ops.shape(x)
    pooled = []
    for n in sizes:
        rows = _averaging_matrix(shape[1], n, x.dtype)  # (n, H)
        columns = _averaging_matrix(shape[2], n, x.dtype)  # (n, W)
        cells = ops.einsum("nh,bhwk->bnwk", rows, x)  # (B, n, W, K)
        cells = ops.einsum("mw,bnwk->bnmk", columns, cells)  # (B, n, n, K)
        pooled.append(ops.reshape(cells, (-1, n * n, x.shape[-1])))  # (B, n * n, K)
    return ops.concatenate(pooled, axis=1)


def _averaging_matrix(length, num_cells, dtype):
    cell = ops.arange(num_cells)[:, None]  # (n, 1)
    start = cell * length // num_cells
    end = ((cell + 1) * length + num_cells - 1) // num_cells
    position = ops.arange(length)[None, :]  # (1, L)
    inside = ops.logical_and(position >= start, position < end)  # (n, L)
    matrix = ops.cast(inside, "float32") / ops.cast(end - start, "float32")
    return ops.cast(matrix, dtype)
