"""What the decode heads share: classes, reasoner, classifier and ordered outputs."""

import collections
import functools
import math

import keras

from keras_seg.layers.composite_layer import (
    CompositeLayer,
    batch_norm,
    build_layer,
    check_positive,
)
from keras_seg.layers.sgr.latent_region_reasoner import LatentRegionReasoner


class DecodeHead(CompositeLayer):
    """Base class of the decode heads.

    A head takes the feature maps of a pyramid, finest first, and returns a dictionary
    with `logits` of the resolution of the finest one. A subclass makes its sublayers
    in `build`, the last ones with `build_fusion` and `build_classifier`, and returns
    `ordered_outputs` from `call`.

    Args:
        num_classes: Integer. Number of classes `K`.
        hidden_dim: Integer. Number of channels `C` inside the head.
        dropout: Float. Rate of the spatial dropout before the classifier.
        reasoner: Boolean, or a dictionary with arguments of `LatentRegionReasoner` in
            place of its defaults. The reasoner then takes `hidden_dim` from the head,
            and as many of its 8 attention heads as divide it.
        **kwargs: Passed to `keras.layers.Layer`.

    Raises:
        ValueError: If `num_classes` or `hidden_dim` is not a positive integer.
    """

    # Whether the head leaves out the padding inside `valid_region`. A subclass that
    # does must say so itself: it is not inherited.
    masks_padding = False

    def __init__(self, num_classes, hidden_dim, dropout, reasoner, **kwargs):
        super().__init__(**kwargs)
        check_positive(num_classes=num_classes, hidden_dim=hidden_dim)
        self.num_classes = num_classes
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.reasoner_options = reasoner
        self.reasoner = self._make_reasoner()

    def _make_reasoner(self):
        if not self.reasoner_options:
            return None
        options = {"hidden_dim": self.hidden_dim}
        if self.reasoner_options is not True:
            options.update(self.reasoner_options)
        options.setdefault("num_heads", math.gcd(options["hidden_dim"], 8))
        return LatentRegionReasoner(**options, name="reasoner", dtype=self.dtype_policy)

    @property
    def class_layers(self):
        """The layers whose weights depend on the set of classes."""
        return [self.classifier]

    def pyramid_shapes(self, input_shape, least=1):
        """The shapes of the feature maps as a list of tuples.

        Sets the `input_spec` of the head, so that later calls are checked as well.

        Args:
            input_shape: What `build` was called with.
            least: Integer. Number of feature maps that the head needs.

        Raises:
            ValueError: If it is not a list of at least `least` shapes `(B, H, W, C)`
                with known `C`.
        """
        number = "one feature map" if least == 1 else f"{least} feature maps"
        is_list = isinstance(input_shape, (list, tuple)) and len(input_shape) >= least
        if not is_list or not all(map(_is_feature_map, input_shape)):
            raise ValueError(
                f"{type(self).__name__} expects a list of at least {number} of shape "
                "(B, H, W, C) with known C, the finest first. Received: input_shape="
                f"{input_shape}. Pass the outputs of a feature pyramid as a list, not "
                "one tensor."
            )
        self.input_spec = [
            keras.layers.InputSpec(ndim=4, axes={-1: s[-1]}) for s in input_shape
        ]
        return [tuple(shape) for shape in input_shape]

    def build_fusion(self, num_levels, shape, kernel_size=3):
        """Adds the layers that join feature maps, and builds the reasoner.

        Args:
            num_levels: Integer. Number of feature maps that are concatenated.
            shape: Shape of the joined map, `(B, H, W, hidden_dim)`.
            kernel_size: Integer, of the convolution that joins the maps.
        """
        kwargs = {"dtype": self.dtype_policy}
        self.add_sublayer(
            keras.layers.Conv2D(
                self.hidden_dim,
                kernel_size,
                padding="same",
                use_bias=False,
                name="fusion",
                **kwargs,
            ),
            (*shape[:-1], num_levels * self.hidden_dim),
        )
        self.add_sublayer(batch_norm("fusion_norm", **kwargs), shape)
        self.build_reasoner(shape)

    def build_reasoner(self, shape):
        """Builds the reasoner, if there is one, for a map of the given shape."""
        if self.reasoner is not None:
            build_layer(self.reasoner, shape)

    def build_classifier(self, shape):
        """Adds dropout and classifier for a map of the given shape."""
        kwargs = {"dtype": self.dtype_policy}
        self.add_sublayer(
            keras.layers.SpatialDropout2D(
                self.dropout, name="spatial_dropout", **kwargs
            )
        )
        self.add_sublayer(
            keras.layers.Conv2D(self.num_classes, 1, name="classifier", **kwargs),
            shape,
        )

    def reason(self, x, training):
        """Applies the reasoner, if there is one.

        Args:
            x: Tensor `(B, H, W, C)`.
            training: Boolean, or `None`.

        Returns:
            `(x, regions)`: the new features and a dictionary with the `regions` and
            `tokens` of the reasoner, empty without a reasoner.
        """
        if self.reasoner is None:
            return x, {}
        x, regions, tokens = self.reasoner(x, training=training, return_regions=True)
        return x, {"regions": regions, "tokens": tokens}

    def ordered_outputs(self, logits, regions):
        """The outputs that are the same in training and inference, logits first.

        A functional model matches the outputs of a call with its symbolic outputs by
        position. A subclass therefore appends its outputs for training to these.
        """
        return collections.OrderedDict(logits=logits, **regions)

    def compute_output_shape(self, input_shape):
        space, regions = tuple(input_shape[0][:-1]), {}  # (B, H_0, W_0)
        if self.reasoner is not None:
            num_regions, dim = self.reasoner.num_regions, self.reasoner.hidden_dim
            regions["regions"] = (*space, num_regions)
            regions["tokens"] = (space[0], num_regions, dim)
        return self.ordered_outputs((*space, self.num_classes), regions)

    def compute_output_spec(self, inputs, training=None, return_details=False):
        if not return_details:
            return super().compute_output_spec(inputs)
        # Each head has details of its own: their shapes are those that `call` makes.
        outputs = keras.Operation.compute_output_spec(
            self, inputs, training=False, return_details=True
        )
        # On torch Keras traces weights without the dtype of mixed precision.
        for key, value in outputs.items():
            dtype = "float32" if key == "diversity" else self.compute_dtype
            outputs[key] = keras.tree.map_structure(
                functools.partial(_with_dtype, dtype=dtype), value
            )
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "reasoner": self.reasoner_options,
        }


def _with_dtype(x, dtype):
    return keras.KerasTensor(x.shape, dtype=dtype)


def _is_feature_map(shape):
    return (
        isinstance(shape, (list, tuple))
        and len(shape) == 4
        and isinstance(shape[-1], int)
    )
