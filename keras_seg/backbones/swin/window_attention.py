import keras
import numpy as np
from keras import ops

from keras_seg.backbones.swin.patches import pad_to_multiple
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    check_feature_map,
    check_positive,
)

MASKED = -100.0


@keras.saving.register_keras_serializable(package="keras_seg")
class WindowAttention(CompositeLayer):
    """Attention between the positions of each window of a map of any size.

    Maps are padded with zeros to a multiple of the window size, before the shift, as in
    the published code for dense prediction. The padding is not masked.

    Reference:
        [Swin Transformer](https://arxiv.org/abs/2103.14030).

    Args:
        num_heads: Integer. Number of attention heads; divides the channels.
        window_size: Integer. Side of a window.
        shift: Integer. Number of positions by which windows are moved down and to the
            right. Positions of a window that are not neighbours in the map are masked.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, C)`

    Raises:
        ValueError: If `shift` is not in `0..window_size - 1`, or the input is not a
            feature map whose channels `num_heads` divides.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.backbones.WindowAttention(num_heads=2, window_size=4, shift=2)
    print(layer(np.zeros((1, 5, 7, 8), "float32")).shape)  # (1, 5, 7, 8)
    ```
    """

    def __init__(self, num_heads, window_size, shift=0, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(num_heads=num_heads, window_size=window_size)
        if not 0 <= shift < window_size:
            raise ValueError(
                "`shift` must not be negative and must be smaller than the window. "
                f"Received: shift={shift}, window_size={window_size}."
            )
        self.num_heads = num_heads
        self.window_size = window_size
        self.shift = shift
        self.relative_position = relative_position(window_size)

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        if channels % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the input channels. Received: "
                f"num_heads={self.num_heads}, input_shape={tuple(input_shape)}."
            )
        kwargs = {"dtype": self.dtype_policy}
        self.add_sublayer(
            keras.layers.Dense(3 * channels, name="query_key_value", **kwargs),
            input_shape,
        )
        self.position_bias = self.add_weight(
            name="position_bias",
            shape=((2 * self.window_size - 1) ** 2, self.num_heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self.add_sublayer(
            keras.layers.Dense(channels, name="projection", **kwargs), input_shape
        )

    def call(self, inputs):
        height, width = ops.shape(inputs)[1:3]
        channels, heads = inputs.shape[-1], self.num_heads
        x = pad_to_multiple(inputs, self.window_size)  # (B, H', W', C)
        size = ops.shape(x)[1:3]
        if self.shift:
            x = _rolled(x, self.shift, self.shift)
        x = self._split(x, size)  # (B, L, N, C): L windows of N positions
        count = ops.shape(x)[1]

        n = self.window_size**2
        x = self.query_key_value(x)  # (B, L, N, 3C)
        x = ops.reshape(
            x, (-1, count, n, 3, heads, channels // heads)
        )  # (B, L, N, 3, heads, C / heads)
        query, key, value = ops.unstack(
            ops.transpose(x, (3, 0, 1, 4, 2, 5)), axis=0
        )  # (B, L, heads, N, C / heads)
        query = query * (channels // heads) ** -0.5
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2))  # (B, L, heads, N, N)
        bias = ops.take(self.position_bias, self.relative_position, axis=0)
        scores = scores + ops.transpose(ops.cast(bias, scores.dtype), (2, 0, 1))
        if self.shift:
            scores = scores + ops.cast(self._mask(size), scores.dtype)
        x = ops.matmul(ops.softmax(scores, axis=-1), value)
        x = ops.transpose(x, (0, 1, 3, 2, 4))  # (B, L, N, heads, C / heads)
        x = ops.reshape(x, (-1, count, n, channels))  # (B, L, N, C)
        x = self.projection(x)

        x = self._join(x, size)  # (B, H', W', C)
        if self.shift:
            x = _rolled(x, size[0] - self.shift, size[1] - self.shift)
        return x[:, :height, :width, :]

    def _split(self, x, size):
        side, channels = self.window_size, x.shape[-1]
        rows, columns = size[0] // side, size[1] // side
        x = ops.reshape(
            x, (-1, rows, side, columns, side, channels)
        )  # (B, rows, side, columns, side, C)
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, rows, columns, side, side, C)
        return ops.reshape(
            x, (-1, rows * columns, side * side, channels)
        )  # (B, L, N, C)

    def _join(self, x, size):
        side, channels = self.window_size, x.shape[-1]
        rows, columns = size[0] // side, size[1] // side
        x = ops.reshape(
            x, (-1, rows, columns, side, side, channels)
        )  # (B, rows, columns, side, side, C)
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, rows, side, columns, side, C)
        return ops.reshape(x, (-1, size[0], size[1], channels))  # (B, H', W', C)

    def _mask(self, size):
        """Scores that mask pairs of positions from different parts of the map."""

        def part(n):  # 0 for all windows but the last, 1 and 2 for the parts of it
            i = ops.arange(n)
            last = ops.cast(i >= n - self.window_size, "int32")
            return last + ops.cast(i >= n - self.shift, "int32")

        rows = ops.reshape(part(size[0]), (1, -1, 1, 1))  # (1, H', 1, 1)
        columns = ops.reshape(part(size[1]), (1, 1, -1, 1))  # (1, 1, W', 1)
        parts = self._split(3 * rows + columns, size)[0]  # (L, N, 1)
        differ = parts != ops.swapaxes(parts, 1, 2)  # (L, N, N)
        return MASKED * ops.expand_dims(ops.cast(differ, "float32"), 1)  # (L, 1, N, N)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window_size": self.window_size,
            "shift": self.shift,
        }


def _rolled(x, rows, columns):
    """A map whose first rows and columns become the last ones.

    LiteRT does not have `ops.roll`.
    """
    x = ops.concatenate([x[:, rows:], x[:, :rows]], axis=1)  # (B, H', W', C)
    return ops.concatenate([x[:, :, columns:], x[:, :, :columns]], axis=2)


def relative_position(side):
    """Row in the table of biases for each pair of positions of a window.

    Args:
        side: Integer. Side of the window.

    Returns:
        Integer array `(side^2, side^2)`: the index of the offset from the second
        position to the first among the `(2 side - 1)^2` offsets, row by row.

    Example:

    ```python
    from keras_seg.backbones.swin.window_attention import relative_position

    print(relative_position(2)[0])  # [4 3 1 0]
    ```
    """
    y, x = np.divmod(np.arange(side * side), side)
    down = y[:, None] - y[None, :] + side - 1
    right = x[:, None] - x[None, :] + side - 1
    return (down * (2 * side - 1) + right).astype("int32")
