import keras
from keras import ops

from keras_seg.keras_internals.folded_norm import normalized
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    batch_norm,
    build_layer,
    check_feature_map,
    check_positive,
)
from keras_seg.layers.pooling import ImagePool
from keras_seg.layers.valid_region import mask_padding


@keras.saving.register_keras_serializable(package="keras_seg")
class AtrousSpatialPyramidPooling(CompositeLayer):
    """Atrous spatial pyramid pooling of DeepLabV3: several fields of view at once.

    A 1x1 convolution, dilated 3x3 convolutions and a vector of the whole image are
    joined by another 1x1 convolution. Each is followed by batch normalisation and
    ReLU. Unlike the layer of keras-hub's DeepLabV3, it takes maps of any size, also
    unknown, follows the dtype policy, and trains on a batch of one image.

    Reference:
        [Rethinking Atrous Convolution for Semantic Image
        Segmentation](https://arxiv.org/abs/1706.05587).

    Args:
        hidden_dim: Integer. Number of channels of each branch and of the output.
        dilation_rates: List of integers. Those of the paper are 6, 12 and 18 for
            features of stride 16, and twice that for stride 8.
        dropout: Float. Rate of dropout on the output.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of features.
        training: Boolean, or `None`.

    Input shape:
        `(B, H, W, C)`

    Output shape:
        `(B, H, W, hidden_dim)`

    Raises:
        ValueError: If `hidden_dim` is not a positive integer or the input is not a
            feature map.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.AtrousSpatialPyramidPooling(16, dilation_rates=[2, 4])
    features = np.random.normal(size=(1, 9, 12, 8)).astype("float32")
    print(layer(features).shape)  # (1, 9, 12, 16)
    ```
    """

    def __init__(
        self, hidden_dim=256, dilation_rates=(6, 12, 18), dropout=0.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        check_positive(hidden_dim=hidden_dim)
        self.hidden_dim = hidden_dim
        self.dilation_rates = [int(rate) for rate in dilation_rates]
        self.dropout = dropout

    def build(self, input_shape):
        check_feature_map(self, input_shape)
        kwargs, dim = {"dtype": self.dtype_policy}, self.hidden_dim
        hidden = (*input_shape[:-1], dim)
        self.branches, self.branch_norms = [], []
        for i, rate in enumerate([0, *self.dilation_rates]):
            branch = keras.layers.Conv2D(
                dim,
                3 if rate else 1,
                padding="same",
                dilation_rate=rate or 1,
                use_bias=False,
                name=f"branch_{i}",
                **kwargs,
            )
            norm = batch_norm(f"branch_norm_{i}", **kwargs)
            self.branches.append(build_layer(branch, input_shape))
            self.branch_norms.append(build_layer(norm, hidden))
        self.add_sublayer(
            ImagePool(dim, "relu", name="image_pool", **kwargs), input_shape
        )
        self.add_sublayer(
            keras.layers.Conv2D(dim, 1, use_bias=False, name="projection", **kwargs),
            (*input_shape[:-1], (len(self.branches) + 1) * dim),
        )
        self.add_sublayer(batch_norm("projection_norm", **kwargs), hidden)
        self.add_sublayer(
            keras.layers.Dropout(self.dropout, name="output_dropout", **kwargs)
        )

    def call(self, inputs, training=None):
        inputs = mask_padding(inputs)
        joined = [
            ops.relu(normalized(branch, norm, inputs, training))
            for branch, norm in zip(self.branches, self.branch_norms, strict=True)
        ]
        pooled = self.image_pool(inputs, training=training)  # (B, 1, 1, C)
        joined.append(pooled + ops.zeros_like(joined[0]))  # (B, H, W, C)
        x = ops.concatenate(joined, axis=-1)
        x = normalized(self.projection, self.projection_norm, x, training)
        x = ops.relu(x)
        return self.output_dropout(x, training=training)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "dilation_rates": self.dilation_rates,
            "dropout": self.dropout,
        }
