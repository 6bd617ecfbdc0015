"""Padding below and to the right, also by a number that is not known when tracing."""

from keras import ops


def pad_below(x, below, right):
    """Pads a map with zeros, below and to the right.

    After padding by unknown numbers TensorFlow knows no size of the map any more, not
    even its channels, without which LiteRT cannot convert a convolution. They are said
    again here.

    Args:
        x: Tensor of shape `(B, H, W, C)`.
        below: Integer or scalar integer tensor, not negative. Number of rows.
        right: The same for columns.

    Returns:
        Tensor of shape `(B, H + below, W + right, C)`.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.pad_below import pad_below

    print(pad_below(keras.ops.ones((1, 5, 8, 3)), 3, 0).shape)  # (1, 8, 8, 3)
    ```
    """
    known = isinstance(below, int) and isinstance(right, int)
    if known and not below + right:
        return x
    padded = ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])
    if known:
        return padded
    height, width = ops.shape(x)[1:3]
    return ops.reshape(
        padded, (-1, height + below, width + right, x.shape[-1])
    )  # (B, H + below, W + right, C)
