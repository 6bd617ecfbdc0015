"""The block of keras-hub's Mix Transformer, for maps of any height and width."""

import keras
from keras import ops

from keras_seg.keras_internals.pad_below import pad_below


class MiTBlock(keras.layers.Layer):
    """A block of keras-hub's Mix Transformer, for maps of any height and width.

    Attention with keys and values from a reduced map, then an MLP with a depthwise
    convolution, both with a residual connection. The `call` of keras-hub's block
    requires square maps. The class of that block is not public, so its sublayers are
    used here by their attributes. Seen to work with keras-hub 0.32.0.

    Args:
        block: A block of a `keras_hub.models.MiTBackbone`. This layer shares its
            weights.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor, a feature map.
        training: Boolean, or `None`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, C)`
    """

    def __init__(self, block, **kwargs):
        super().__init__(dtype=block.dtype_policy, **kwargs)
        self.block = block

    def call(self, inputs, training=None):
        block = self.block
        x = self._attend(block.norm1(inputs), training)
        x = inputs + block.drop_path(x, training=training)
        y = self._mix(block.norm2(x))
        return x + block.drop_path(y, training=training)

    def _attend(self, x, training):
        layer = self.block.attn
        height, width = ops.shape(x)[1:3]
        query = self._per_head(layer.q(x))  # (B, heads, HW, C / heads)
        if layer.sr_ratio > 1:
            x = layer.sr(_at_least(x, layer.sr_ratio))  # (B, h, w, C)
            x = layer.norm(x)
        key = self._per_head(layer.k(x))  # (B, heads, hw, C / heads)
        value = self._per_head(layer.v(x))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) * layer.scale
        scores = layer.dropout(ops.softmax(scores), training=training)
        x = ops.matmul(scores, value)  # (B, heads, HW, C / heads)
        x = ops.transpose(x, (0, 2, 1, 3))  # (B, HW, heads, C / heads)
        x = ops.reshape(x, (-1, height, width, self.block.project_dim))  # (B, H, W, C)
        return layer.proj_drop(layer.proj(x), training=training)

    def _mix(self, x):
        layer = self.block.mlp
        return layer.fc2(ops.gelu(layer.dwconv(layer.fc1(x))))

    def _per_head(self, x):
        height, width = ops.shape(x)[1:3]
        heads = self.block.num_heads
        depth = self.block.project_dim // heads
        x = ops.reshape(x, (-1, height * width, heads, depth))  # (B, HW, heads, d)
        return ops.transpose(x, (0, 2, 1, 3))  # (B, heads, HW, d)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


def _at_least(x, side):
    """Pads a map that is smaller than a kernel with zeros, below and to the right."""
    missing = [
        max(side - n, 0) if isinstance(n, int) else ops.maximum(side - n, 0)
        for n in ops.shape(x)[1:3]
    ]
    return pad_below(x, *missing)
