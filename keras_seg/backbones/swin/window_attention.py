import keras
import numpy as np
from keras import ops

from keras_seg.backbones.swin.pad_to_multiple import pad_to_multiple

MASKED = -100.0


@keras.saving.register_keras_serializable(package="keras_seg")
class WindowAttention(keras.layers.Layer):
    """Attention among the positions of each window of a map, of any size.

    Zeros fill a map whose sides the window does not divide, before it is shifted, as
    in the code of dense prediction with Swin. What zeros become is attended to.

    Reference:
        [Swin Transformer](https://arxiv.org/abs/2103.14030).

    Args:
        num_heads: Integer. Number of attention heads; divides the channels.
        window_size: Integer. Side of a window.
        shift: Integer. How far windows are moved down and to the right; positions
            that were no neighbours before do not see each other.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, C)`

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.backbones.WindowAttention(num_heads=2, window_size=4, shift=2)
    print(layer(np.zeros((1, 5, 7, 8), "float32")).shape)  # (1, 5, 7, 8)
    ```
    """

    def __init__(self, num_heads, window_size, shift=0, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= shift < window_size:
            raise ValueError(
                "`shift` must be smaller than the window. Received: "
                f"shift={shift}, window_size={window_size}."
            )
        self.num_heads = num_heads
        self.window_size = window_size
        self.shift = shift
        self.relative_position = relative_position(window_size)

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the input channels. Received: "
                f"num_heads={self.num_heads}, input_shape={tuple(input_shape)}."
            )
        kwargs = {"dtype": self.dtype_policy}
        self.query_key_value = keras.layers.Dense(
            3 * channels, name="query_key_value", **kwargs
        )
        self.query_key_value.build(input_shape)
        self.position_bias = self.add_weight(
            name="position_bias",
            shape=((2 * self.window_size - 1) ** 2, self.num_heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self.projection = keras.layers.Dense(channels, name="projection", **kwargs)
        self.projection.build(input_shape)
        self.built = True

    def call(self, inputs):
        height, width = ops.shape(inputs)[1:3]
        channels, heads = inputs.shape[-1], self.num_heads
        x = pad_to_multiple(inputs, self.window_size)  # (B, H', W', C)
        size = ops.shape(x)[1:3]
        if self.shift:
            x = ops.roll(x, (-self.shift, -self.shift), axis=(1, 2))
        x = self._split(x, size)  # (B, L, N, C): L windows of N positions
        count = ops.shape(x)[1]

        n = self.window_size**2
        x = self.query_key_value(x)  # (B, L, N, 3C)
        x = ops.reshape(x, (-1, count, n, 3, heads, channels // heads))
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
        x = self.projection(ops.reshape(x, (-1, count, n, channels)))

        x = self._join(x, size)  # (B, H', W', C)
        if self.shift:
            x = ops.roll(x, (self.shift, self.shift), axis=(1, 2))
        return x[:, :height, :width, :]

    def _split(self, x, size):
        side, channels = self.window_size, x.shape[-1]
        rows, columns = size[0] // side, size[1] // side
        x = ops.reshape(x, (-1, rows, side, columns, side, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, rows, columns, side, side, C)
        return ops.reshape(x, (-1, rows * columns, side * side, channels))

    def _join(self, x, size):
        side, channels = self.window_size, x.shape[-1]
        rows, columns = size[0] // side, size[1] // side
        x = ops.reshape(x, (-1, rows, columns, side, side, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, rows, side, columns, side, C)
        return ops.reshape(x, (-1, size[0], size[1], channels))

    def _mask(self, size):
        """What hides positions of other parts that the shift put into a window."""

        def part(n):  # 0 for all windows but the last, 1 and 2 for the parts of that
            i = ops.arange(n)
            last = ops.cast(i >= n - self.window_size, "int32")
            return last + ops.cast(i >= n - self.shift, "int32")

        parts = 3 * part(size[0])[:, None] + part(size[1])[None, :]  # (H', W')
        parts = self._split(parts[None, :, :, None], size)[0, :, :, 0]  # (L, N)
        differ = parts[:, None, :] != parts[:, :, None]  # (L, N, N)
        return MASKED * ops.cast(differ, "float32")[:, None]  # (L, 1, N, N)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window_size": self.window_size,
            "shift": self.shift,
        }


def relative_position(side):
    """Row of the table of biases for each pair of positions of a window.

    Args:
        side: Integer, the side of the window.

    Returns:
        Integer array `(side^2, side^2)`: the offset from the second position to the
        first, row by row over the `(2 side - 1)^2` that there are.

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
