from keras import ops


def pad_to_multiple(x, multiple):
    """Adds zeros below and to the right until an integer divides both sides.

    Args:
        x: Tensor of shape `(B, H, W, C)`.
        multiple: Integer.

    Returns:
        Tensor of shape `(B, ceil(H / multiple) * multiple, ..., C)`.

    Example:

    ```python
    import numpy as np
    from keras_seg.backbones.swin.pad_to_multiple import pad_to_multiple

    print(pad_to_multiple(np.zeros((1, 5, 8, 3)), 4).shape)  # (1, 8, 8, 3)
    ```
    """
    height, width = ops.shape(x)[1:3]
    below, right = -height % multiple, -width % multiple
    if isinstance(below, int) and isinstance(right, int) and not below + right:
        return x
    return ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])
