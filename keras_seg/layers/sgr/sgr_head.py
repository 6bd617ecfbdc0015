import keras
from keras import ops

from keras_seg.keras_internals.folded_norm import normalized
from keras_seg.layers.atrous_spatial_pyramid_pooling import (
    AtrousSpatialPyramidPooling,
)
from keras_seg.layers.composite_layer import batch_norm
from keras_seg.layers.decode_head import DecodeHead
from keras_seg.layers.valid_region import mask_padding


@keras.saving.register_keras_serializable(package="keras_seg")
class SGRHead(DecodeHead):
    """The decode head of DeepLabV3 with reasoning over latent regions.

    The reasoner stands between the pyramid pooling and the last 3x3 convolution
    (ours: the paper only says that it fits into any framework).

    Reference:
        [Semantically Enhanced Global Reasoning for Semantic
        Segmentation](https://arxiv.org/abs/2212.03338).

    Args:
        num_classes: Integer. Number of classes.
        hidden_dim: Integer. Number of channels inside the head.
        reasoner: Boolean, or a dictionary with arguments of `LatentRegionReasoner` in
            place of its defaults. `False` makes a plain DeepLabV3.
        dilation_rates: See `AtrousSpatialPyramidPooling`.
        dropout: Float. Rate of the spatial dropout before the classifier.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: List with one feature map.
        training: Boolean, or `None`.

    Input shape:
        List of one `(B, H, W, C)`.

    Output shape:
        Dictionary with `logits`, `(B, H, W, num_classes)`. With a reasoner also
        `regions`, `(B, H, W, K)`, and `tokens`, `(B, K, D)`.

    Raises:
        ValueError: If the input is not a list of one feature map.

    Example:

    ```python
    import keras
    import keras_seg

    head = keras_seg.layers.SGRHead(3, hidden_dim=16, reasoner={"num_regions": 5})
    outputs = head([keras.Input((None, None, 24))])
    print(outputs["logits"].shape, outputs["regions"].shape)
    # (None, None, None, 3) (None, None, None, 5)
    ```
    """

    masks_padding = True

    def __init__(
        self,
        num_classes,
        hidden_dim=256,
        reasoner=True,
        dilation_rates=(6, 12, 18),
        dropout=0.1,
        **kwargs,
    ) -> None:
        super().__init__(num_classes, hidden_dim, dropout, reasoner, **kwargs)
        self.dilation_rates = [int(rate) for rate in dilation_rates]

    def build(self, input_shape):
        shapes = self.pyramid_shapes(input_shape)
        if len(shapes) > 1:
            raise ValueError(
                f"SGRHead takes one feature map. Received: {len(shapes)} of shapes "
                f"{shapes}. Choose one level, such as pyramid_levels=['P4']."
            )
        kwargs = {"dtype": self.dtype_policy}
        hidden = (*shapes[0][:-1], self.hidden_dim)
        self.add_sublayer(
            AtrousSpatialPyramidPooling(
                self.hidden_dim, self.dilation_rates, name="pooling", **kwargs
            ),
            shapes[0],
        )
        self.build_reasoner(hidden)
        self.add_sublayer(
            keras.layers.Conv2D(
                self.hidden_dim,
                3,
                padding="same",
                use_bias=False,
                name="refinement",
                **kwargs,
            ),
            hidden,
        )
        self.add_sublayer(batch_norm("refinement_norm", **kwargs), hidden)
        self.build_classifier(hidden)

    def call(self, inputs, training=None):
        x = self.pooling(inputs[0], training=training)  # (B, H, W, D)
        x, regions = self.reason(x, training)
        x = mask_padding(x)
        x = normalized(self.refinement, self.refinement_norm, x, training)
        x = self.spatial_dropout(ops.relu(x), training=training)
        return self.ordered_outputs(self.classifier(x), regions)

    def get_config(self):
        return {**super().get_config(), "dilation_rates": self.dilation_rates}
