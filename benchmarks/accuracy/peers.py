"""Decoders of others on our backbones, with the same training and evaluation."""

import keras
import keras_hub
from keras import ops

import keras_seg
from keras_seg.keras_internals.layer_graph import sublayers
from keras_seg.layers.composite_layer import batch_norm, build_layer
from keras_seg.layers.decode_head import DecodeHead
from keras_seg.layers.resizing import resize_bilinear

PACKAGE = "keras_seg_benchmarks"
# Of the heads of keras_seg. Keras has 0.99, too slow for a short training.
NORM_MOMENTUM = 0.9


class PlainHead(DecodeHead):
    """What the plain heads share: no classes but those of the classifier."""

    def __init__(self, num_classes, hidden_dim=64, dropout=0.1, **kwargs):
        kwargs.pop("reasoner", None)
        super().__init__(num_classes, hidden_dim, dropout, False, **kwargs)

    def blocks(self, name, shapes, kernel_size):
        """Convolutions without bias, one for each level, with their normalisation."""
        kwargs, dim = {"dtype": self.dtype_policy}, self.hidden_dim
        convolutions = [
            build_layer(
                keras.layers.Conv2D(
                    dim,
                    kernel_size,
                    padding="same",
                    use_bias=False,
                    name=f"{name}_{i}",
                    **kwargs,
                ),
                shape,
            )
            for i, shape in enumerate(shapes)
        ]
        norms = [
            build_layer(batch_norm(f"{name}_norm_{i}", **kwargs), (*shape[:-1], dim))
            for i, shape in enumerate(shapes)
        ]
        return convolutions, norms

    def classify(self, x, training):
        logits = self.classifier(self.spatial_dropout(x, training=training))
        return self.ordered_outputs(logits, {})


@keras.saving.register_keras_serializable(package=PACKAGE)
class FPNHead(PlainHead):
    """A feature pyramid with the semantic branch of Panoptic FPN.

    References:
        [Feature Pyramid Networks](https://arxiv.org/abs/1612.03144),
        [Panoptic FPN](https://arxiv.org/abs/1901.02446). Here the levels are enlarged
        in one step.
    """

    def build(self, input_shape):
        shapes = self.pyramid_shapes(input_shape)
        hidden = [(*shape[:-1], self.hidden_dim) for shape in shapes]
        self.laterals, self.lateral_norms = self.blocks("lateral", shapes, 1)
        self.smoothings, self.smoothing_norms = self.blocks("smoothing", hidden, 3)
        self.build_classifier(hidden[0])

    def call(self, inputs, training=None):
        levels = [
            norm(layer(x), training=training)
            for layer, norm, x in zip(
                self.laterals, self.lateral_norms, inputs, strict=True
            )
        ]
        for i in reversed(range(len(levels) - 1)):
            size = ops.shape(levels[i])[1:3]
            levels[i] = levels[i] + resize_bilinear(levels[i + 1], size)
        size = ops.shape(levels[0])[1:3]
        joined = 0.0
        for layer, norm, x in zip(
            self.smoothings, self.smoothing_norms, levels, strict=True
        ):
            x = ops.relu(norm(layer(x), training=training))
            joined = joined + resize_bilinear(x, size)
        return self.classify(joined, training)


@keras.saving.register_keras_serializable(package=PACKAGE)
class SegFormerHead(PlainHead):
    """The MLP decoder of SegFormer: every level projected, enlarged, joined.

    Reference:
        [SegFormer](https://arxiv.org/abs/2105.15203)
    """

    def build(self, input_shape):
        shapes = self.pyramid_shapes(input_shape)
        kwargs, dim = {"dtype": self.dtype_policy}, self.hidden_dim
        self.projections = [
            build_layer(
                keras.layers.Dense(dim, name=f"projection_{i}", **kwargs), shape
            )
            for i, shape in enumerate(shapes)
        ]
        joined = (*shapes[0][:-1], len(shapes) * dim)
        (self.fuse,), (self.fuse_norm,) = self.blocks("fuse", [joined], 1)
        self.build_classifier((*joined[:-1], dim))

    def call(self, inputs, training=None):
        levels = [p(x) for p, x in zip(self.projections, inputs, strict=True)]
        size = ops.shape(levels[0])[1:3]
        x = ops.concatenate([resize_bilinear(x, size) for x in levels[::-1]], axis=-1)
        x = ops.relu(self.fuse_norm(self.fuse(x), training=training))
        return self.classify(x, training)


@keras.saving.register_keras_serializable(package=PACKAGE)
class DeepLabV3PlusHead(PlainHead):
    """The decoder of keras-hub's `DeepLabV3Backbone`, with its 256 channels.

    keras-hub enlarges the features to the size of the image before the classifier;
    here the logits are enlarged, which gives the same numbers for less. With one level
    it is DeepLabV3.

    Reference:
        [DeepLabV3+](https://arxiv.org/abs/1802.02611)
    """

    def build(self, input_shape):
        shapes = self.pyramid_shapes(input_shape)
        names = [f"P{i + 2}" for i in range(len(shapes))]
        several = len(shapes) > 1
        deeplab = keras_hub.models.DeepLabV3Backbone(
            _channels_only({n: s[-1] for n, s in zip(names, shapes, strict=True)}),
            spatial_pyramid_pooling_key=names[-1],
            upsampling_size=2 ** (len(shapes) - 1),
            dilation_rates=[6, 12, 18],
            low_level_feature_key="P2" if several else None,
            dtype=self.dtype_policy,
        )
        # The part between the features of the backbone and the last enlargement.
        pooling = next(x for x in deeplab.layers if "pyramid_pooling" in x.name)
        taken = [pooling.input]
        if several:
            taken.append(deeplab.get_layer("decoder_conv").input)
        output = deeplab.get_layer("segmentation_head_relu").output
        self.decoder = keras.Model(taken, output, name="decoder")
        self.places = [len(shapes) - 1, 0][: len(taken)]
        for norm in norms_of(self.decoder):
            norm.momentum = NORM_MOMENTUM
        self.build_classifier((*shapes[0][:-1], output.shape[-1]))

    def call(self, inputs, training=None):
        features = [inputs[place] for place in self.places]
        return self.classify(self.decoder(features, training=training), training)


def norms_of(layer):
    """All `BatchNormalization` layers inside a layer."""
    kind = keras.layers.BatchNormalization
    return [inner for inner in sublayers(layer) if isinstance(inner, kind)]


def _channels_only(channels):
    """A network without weights whose levels have the given numbers of channels."""
    images = keras.Input((None, None, 3))
    levels = {}
    for i, (name, count) in enumerate(channels.items()):
        x = keras.layers.AveragePooling2D(4 * 2**i, padding="same")(images)
        levels[name] = ops.repeat(x, -(-count // 3), axis=-1)[..., :count]
    network = keras.Model(images, list(levels.values())[-1])
    network.pyramid_outputs = levels
    return network


HEADS = {"fpn": FPNHead, "segformer": SegFormerHead, "deeplabv3plus": DeepLabV3PlusHead}


@keras.saving.register_keras_serializable(package=PACKAGE)
class PeerModel(keras_seg.models.Segmenter):
    """A backbone of ours with a decoder of others.

    Args:
        backbone, num_classes: See `keras_seg.models.Segmenter`.
        decoder: String, a key of `HEADS`.
        hidden_dim: Integer. Channels of the decoder; DeepLabV3+ has its own.
        **kwargs: See `keras_seg.models.Segmenter`.
    """

    def __init__(self, backbone, num_classes, decoder="fpn", hidden_dim=64, **kwargs):
        head = HEADS[decoder](
            num_classes, hidden_dim, dtype=backbone.dtype_policy, name="head"
        )
        super().__init__(backbone, head, num_classes, **kwargs)
        self.decoder = decoder

    def get_config(self):
        return {
            **super().get_config(),
            "decoder": self.decoder,
            "hidden_dim": self.head.hidden_dim,
        }
