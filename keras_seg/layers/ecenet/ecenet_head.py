import collections

import keras
from keras import ops

from keras_seg.layers.ecenet.class_extraction import ClassExtraction
from keras_seg.layers.ecenet.feature_reconstruction import FeatureReconstruction
from keras_seg.layers.ecenet.gated_class_updater import GatedClassUpdater
from keras_seg.layers.ecenet.ghost_upsampling import GhostUpsampling
from keras_seg.layers.grouped_dense import GroupedDense
from keras_seg.layers.normalization import batch_norm
from keras_seg.layers.pyramid import build_each, check_pyramid
from keras_seg.layers.resize import resize_bilinear
from keras_seg.layers.semantics_attention import SemanticsAttention
from keras_seg.layers.sgr.latent_region_reasoner import make_reasoner, region_shapes


@keras.saving.register_keras_serializable(package="keras_seg")
class ECENetHead(keras.layers.Layer):
    """The decode head of ECENet: class embeddings updated from coarse to fine.

    Masks predicted on the coarsest level give the first class embeddings. On each
    finer level the positions attend to the embeddings, the attention scores are the
    masks of that level, and embeddings extracted from them update the old ones
    through a gate. All levels are joined at the finest one, and a class term that
    depends on embeddings and masks is added to the logits.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        num_classes: Integer. Number of classes `K`.
        hidden_dim: Integer. Number of channels `C` of all levels inside the head.
        num_heads: Integer. Number of attention heads.
        query_activation: See `SemanticsAttention`.
        gated: Boolean. `False` adds class embeddings instead of gating them.
        mlp_ratio: Integer. Width of the attention's MLP.
        pool_ratio: Float. See `ClassExtraction`.
        dropout: Float. Rate of the spatial dropout before the classifier.
        reasoner: Boolean, or a dictionary with arguments of `LatentRegionReasoner`.
            Puts one between the joined levels and the classifier (ours).
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: List of the features of the pyramid levels, finest first. Each level
            has half the size of the one before it; sizes that differ from that by
            rounding are resized.
        training: Boolean, or `None`.
        return_details: Boolean. Whether to return the auxiliary outputs also in
            inference, and the steps of every level with them.

    Input shape:
        List of `(B, H_i, W_i, C_i)`, at least two.

    Output shape:
        Dictionary with `logits`, `(B, H_0, W_0, K)`. In training also
        `mask_logits`, `(B, H_0, W_0, K)`: the sum of all masks but the finest, and
        `diversity`, a list of `(B, H_i * W_i)`. With a reasoner
        always also its `regions` and `tokens`. With `return_details=True` also
        `reconstructed`, `masks`, `class_embeddings`, `attended`, `gated` and
        `upsampled`: dictionaries with the index of the level as the key.

    Raises:
        ValueError: If the input is not a list of at least two feature maps.

    Example:

    ```python
    import keras
    import keras_seg

    head = keras_seg.layers.ECENetHead(num_classes=7, hidden_dim=32)
    pyramid = [keras.Input((None, None, c)) for c in (16, 24, 32, 64)]
    print(head(pyramid)["logits"].shape)  # (None, None, None, 7)
    ```
    """

    def __init__(
        self,
        num_classes,
        hidden_dim=256,
        num_heads=4,
        query_activation=None,
        gated=True,
        mlp_ratio=4,
        pool_ratio=1.0,
        dropout=0.1,
        reasoner=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.query_activation = keras.activations.get(query_activation)
        self.gated = gated
        self.mlp_ratio = mlp_ratio
        self.pool_ratio = pool_ratio
        self.dropout = dropout
        self.reasoner_options = reasoner
        self.reasoner = make_reasoner(reasoner, hidden_dim, self.dtype_policy)

    def build(self, input_shape):
        shapes = check_pyramid("ECENetHead", input_shape, least=2)
        kwargs = {"dtype": self.dtype_policy}
        dim, num_classes, levels = self.hidden_dim, self.num_classes, len(shapes)
        hidden = [(*shape[:-1], dim) for shape in shapes]
        masks = [(*shape[:-1], num_classes) for shape in shapes]
        classes = (shapes[0][0], num_classes, dim)

        self.reconstructions = build_each(
            [
                FeatureReconstruction(name=f"reconstruction_{i}", **kwargs)
                for i in range(levels)
            ],
            shapes,
        )
        self.laterals = build_each(
            [
                keras.layers.Conv2D(
                    dim, 1, use_bias=False, name=f"lateral_{i}", **kwargs
                )
                for i in range(levels)
            ],
            shapes,
        )
        self.mask_projection = GroupedDense(
            dim, self.num_heads, name="mask_projection", **kwargs
        )
        self.mask_classifier = keras.layers.Conv2D(
            num_classes, 1, use_bias=False, name="mask_classifier", **kwargs
        )
        self.mask_projection.build(hidden[-1])
        self.mask_classifier.build(hidden[-1])
        self.extractions = build_each(
            [
                ClassExtraction(dim, self.pool_ratio, name=f"extraction_{i}", **kwargs)
                for i in range(levels)
            ],
            masks,
        )
        self.attentions, self.updaters, self.upsamplings = [], [], []
        for i in range(levels - 1):
            attention = SemanticsAttention(
                dim,
                self.num_heads,
                self.mlp_ratio,
                self.query_activation,
                name=f"attention_{i}",
                **kwargs,
            )
            attention.build(hidden[i], classes)
            self.attentions.append(attention)
            updater = GatedClassUpdater(dim, self.gated, name=f"updater_{i}", **kwargs)
            updater.build(classes, classes)
            self.updaters.append(updater)
            self.upsamplings.append(
                build_each(
                    [
                        GhostUpsampling(dim, name=f"upsampling_{i + 1}_{j}", **kwargs)
                        for j in range(i + 1)
                    ],
                    [hidden[i + 1 - j] for j in range(i + 1)],
                )
            )
        self.fusion = keras.layers.Conv2D(
            dim, 3, padding="same", use_bias=False, name="fusion", **kwargs
        )
        self.fusion.build((*hidden[0][:-1], levels * dim))
        self.fusion_norm = batch_norm("fusion_norm", **kwargs)
        self.fusion_norm.build(hidden[0])
        if self.reasoner is not None:
            self.reasoner.build(hidden[0])
        self.spatial_dropout = keras.layers.SpatialDropout2D(
            self.dropout, name="spatial_dropout", **kwargs
        )
        self.classifier = keras.layers.Conv2D(
            num_classes, 1, name="classifier", **kwargs
        )
        self.classifier.build(hidden[0])
        self.class_term = keras.layers.Dense(num_classes, name="class_term", **kwargs)
        self.class_term.build(classes)
        self.built = True

    @property
    def class_layers(self):
        """The layers whose weights depend on the set of classes."""
        return [
            self.mask_classifier,
            *self.extractions,
            self.class_term,
            self.classifier,
        ]

    def call(self, inputs, training=None, return_details=False):
        auxiliary = bool(training) or return_details
        details = {key: {} for key in _DETAILS}
        diversity, laterals = [], []
        for i, features in enumerate(inputs):
            features = self.reconstructions[i](
                features, training=training, return_diversity=auxiliary
            )
            if auxiliary:
                features, diversity_map = features
                diversity.append(diversity_map)
            details["reconstructed"][i] = features
            laterals.append(self.laterals[i](features))  # (B, H_i, W_i, C)

        last = len(laterals) - 1
        masks = self.mask_classifier(self.mask_projection(laterals[last]))
        embeddings = self.extractions[last](masks)  # (B, K, C)
        details["masks"][last] = masks
        details["class_embeddings"][last] = embeddings
        for i in reversed(range(last)):
            laterals[i], masks = self.attentions[i](laterals[i], embeddings)
            update = self.extractions[i](masks)
            embeddings = self.updaters[i](update, embeddings)
            details["attended"][i] = laterals[i]
            details["masks"][i] = masks
            details["class_embeddings"][i] = update
            details["gated"][i] = embeddings

        size = ops.shape(laterals[0])[1:3]
        joined = [laterals[0]]
        for i in range(1, last + 1):
            x = laterals[i]
            for upsampling in self.upsamplings[i - 1]:
                x = upsampling(x, training=training)
            joined.append(resize_bilinear(x, size))
            details["upsampled"][i] = joined[-1]
        x = self.fusion(ops.concatenate(joined, axis=-1))  # (B, H_0, W_0, C)
        x = ops.relu(self.fusion_norm(x, training=training))
        regions = {}
        if self.reasoner is not None:
            x, regions["regions"], regions["tokens"] = self.reasoner(
                x, training=training, return_regions=True
            )
        logits = self.classifier(self.spatial_dropout(x, training=training))

        coarse_masks = sum(
            resize_bilinear(details["masks"][i], size) for i in range(1, last + 1)
        )  # (B, H_0, W_0, K)
        own_class = ops.softmax(self.class_term(embeddings), axis=-1)  # (B, K, K)
        identity = ops.eye(self.num_classes, dtype=own_class.dtype)
        own_class = ops.sum(own_class * identity, axis=-1)  # the diagonal: (B, K)
        all_masks = ops.sigmoid(coarse_masks + details["masks"][0])
        # A functional model pairs outputs with symbolic ones by position: the logits,
        # which are always there, must stay in front of what training adds.
        outputs = collections.OrderedDict(
            logits=logits + own_class[:, None, None, :] * all_masks, **regions
        )
        if auxiliary:
            outputs.update(mask_logits=coarse_masks, diversity=diversity)
        if return_details:
            outputs.update(details)
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
            "num_heads": self.num_heads,
            "query_activation": keras.activations.serialize(self.query_activation),
            "gated": self.gated,
            "mlp_ratio": self.mlp_ratio,
            "pool_ratio": self.pool_ratio,
            "dropout": self.dropout,
            "reasoner": self.reasoner_options,
        }


_DETAILS = (
    "reconstructed",
    "masks",
    "class_embeddings",
    "attended",
    "gated",
    "upsampled",
)
