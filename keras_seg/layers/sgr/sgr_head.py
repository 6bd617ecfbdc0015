import collections

import keras
from keras import ops

from keras_seg.layers.atrous_spatial_pyramid_pooling import (
    AtrousSpatialPyramidPooling,
)
from keras_seg.layers.normalization import batch_norm
from keras_seg.layers.pyramid import check_pyramid
from keras_seg.layers.sgr.latent_region_reasoner import make_reasoner, region_shapes


@keras.saving.register_keras_serializable(package="keras_seg")
class SGRHead(keras.layers.Layer):
    """The decode head of DeepLabV3, with reasoning over latent regions in it.

    The reasoner stands between the pyramid pooling and the last 3x3 convolution
    (ours: the paper says only that it fits into any framework).

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
        Dictionary with `logits`, `(B, H, W, num_classes)`; with a reasoner also
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

    def __init__(
        self,
        num_classes,
        hidden_dim=256,
        reasoner=True,
        dilation_rates=(6, 12, 18),
        dropout=0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.hidden_dim = hidden_dim
        self.dilation_rates = [int(rate) for rate in dilation_rates]
        self.dropout = dropout
        self.reasoner_options = reasoner
        self.reasoner = make_reasoner(reasoner, hidden_dim, self.dtype_policy)

    def build(self, input_shape):
        shapes = check_pyramid("SGRHead", input_shape, least=1)
        if len(shapes) > 1:
            raise ValueError(
                f"SGRHead works on one feature map. Received: {len(shapes)} of shapes "
                f"{shapes}. Choose one level, such as pyramid_levels=['P4']."
            )
        kwargs = {"dtype": self.dtype_policy}
        hidden = (*shapes[0][:-1], self.hidden_dim)
        self.pooling = AtrousSpatialPyramidPooling(
            self.hidden_dim, self.dilation_rates, name="pooling", **kwargs
        )
        self.pooling.build(shapes[0])
        if self.reasoner is not None:
            self.reasoner.build(hidden)
        self.refinement = keras.layers.Conv2D(
            self.hidden_dim,
            3,
            padding="same",
            use_bias=False,
            name="refinement",
            **kwargs,
        )
        self.refinement.build(hidden)
        self.refinement_norm = batch_norm("refinement_norm", **kwargs)
        self.refinement_norm.build(hidden)
        self.spatial_dropout = keras.layers.SpatialDropout2D(
            self.dropout, name="spatial_dropout", **kwargs
        )
        self.classifier = keras.layers.Conv2D(
            self.num_classes, 1, name="classifier", **kwargs
        )
        self.classifier.build(hidden)
        self.built = True

    @property
    def class_layers(self):
        """The layers whose weights depend on the set of classes."""
        return [self.classifier]

    def call(self, inputs, training=None):
        x = self.pooling(inputs[0], training=training)  # (B, H, W, D)
        outputs = collections.OrderedDict(logits=None)
        if self.reasoner is not None:
            x, outputs["regions"], outputs["tokens"] = self.reasoner(
                x, training=training, return_regions=True
            )
        x = self.refinement_norm(self.refinement(x), training=training)
        x = self.spatial_dropout(ops.relu(x), training=training)
        outputs["logits"] = self.classifier(x)  # (B, H, W, K)
        return outputs

    def compute_output_shape(self, input_shape):
        space = tuple(input_shape[0][:-1])
        shapes = collections.OrderedDict(logits=(*space, self.num_classes))
        if self.reasoner is not None:
            shapes.update(region_shapes(self.reasoner, space))
        return shapes

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "hidden_dim": self.hidden_dim,
            "reasoner": self.reasoner_options,
            "dilation_rates": self.dilation_rates,
            "dropout": self.dropout,
        }
