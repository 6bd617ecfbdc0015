import keras
from keras import ops

from keras_seg.keras_internals.folded_norm import normalized
from keras_seg.keras_internals.rematerialization import rematerialized
from keras_seg.layers.composite_layer import build_layer, check_positive
from keras_seg.layers.decode_head import DecodeHead
from keras_seg.layers.ecenet.class_extraction import ClassExtraction
from keras_seg.layers.ecenet.feature_reconstruction import FeatureReconstruction
from keras_seg.layers.ecenet.gated_class_updater import GatedClassUpdater
from keras_seg.layers.ecenet.ghost_upsampling import GhostUpsampling
from keras_seg.layers.grouped_dense import GroupedDense
from keras_seg.layers.resizing import resize_bilinear
from keras_seg.layers.semantics_attention import SemanticsAttention
from keras_seg.layers.valid_region import mask_padding

FUSIONS = ("full", "separable", "coarse")


@keras.saving.register_keras_serializable(package="keras_seg")
class ECENetHead(DecodeHead):
    """The decode head of ECENet: class embeddings updated from coarse to fine.

    The first class embeddings are extracted from masks predicted on the coarsest
    level. On each finer level the positions attend to the embeddings. The attention
    scores are the masks of that level, and the embeddings extracted from these masks
    update the previous embeddings through a gate. All levels are joined at the
    resolution of the finest one. A class term that depends on embeddings and masks is
    added to the logits.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        num_classes: Integer. Number of classes `K`.
        hidden_dim: Integer. Number of channels `C` of all levels inside the head.
        num_heads: Integer. Number of attention heads.
        query_activation: See `SemanticsAttention`.
        gated: Boolean. `False` adds class embeddings instead of gating them.
        mlp_ratio: Integer. Width of the attention's MLP in multiples of `hidden_dim`.
        pool_ratio: Float. See `ClassExtraction`.
        dropout: Float. Rate of the spatial dropout before the classifier.
        reasoner: Boolean, or a dictionary with arguments of `LatentRegionReasoner`.
            Applies one to the joined levels (ours).
        fusion: String. How the levels are joined. `"full"`, as in the paper: a 3x3
            convolution of all levels at the resolution of the finest one. Cheaper ones
            are ours: `"separable"` replaces it by a depthwise and a 1x1 convolution;
            `"coarse"` joins all levels but the finest at the resolution of the second
            one, enlarges the result and adds it to the finest level.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: List of the features of the pyramid levels, finest first. Each level
            has half the size of the previous one; sizes that differ from that by
            rounding are resized.
        training: Boolean, or `None`.
        return_details: Boolean. Whether to return the auxiliary outputs also in
            inference, and with them the intermediate results of each level.

    Input shape:
        List of `(B, H_i, W_i, C_i)`, at least two.

    Output shape:
        Dictionary with `logits`, `(B, H_0, W_0, K)`. With a reasoner also its
        `regions` and `tokens`. In training also `mask_logits`, `(B, H_0, W_0, K)`: the
        sum of all masks but the finest, and `diversity`, a list of `(B, H_i * W_i)`.
        With `return_details=True` also `reconstructed`, `masks`, `class_embeddings`,
        `attended`, `gated` and `upsampled`: dictionaries by the index of the level.

    Raises:
        ValueError: If the input is not a list of at least two feature maps, or
            `fusion` has another value.

    Example:

    ```python
    import keras
    import keras_seg

    head = keras_seg.layers.ECENetHead(num_classes=7, hidden_dim=32)
    pyramid = [keras.Input((None, None, c)) for c in (16, 24, 32, 64)]
    print(head(pyramid)["logits"].shape)  # (None, None, None, 7)
    ```
    """

    masks_padding = True
    # A subclass may have another layer in its place, to measure what it is worth.
    reconstruction_class = FeatureReconstruction

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
        fusion="full",
        **kwargs,
    ) -> None:
        super().__init__(num_classes, hidden_dim, dropout, reasoner, **kwargs)
        check_positive(mlp_ratio=mlp_ratio)
        if fusion not in FUSIONS:
            raise ValueError(f"`fusion` must be one of {FUSIONS}. Received: {fusion!r}")
        self.fusion_kind = fusion
        self.num_heads = num_heads
        self.query_activation = keras.activations.get(query_activation)
        self.gated = gated
        self.mlp_ratio = mlp_ratio
        self.pool_ratio = pool_ratio

    def build(self, input_shape):
        shapes = self.pyramid_shapes(input_shape, least=2)
        kwargs = {"dtype": self.dtype_policy}
        dim, num_classes = self.hidden_dim, self.num_classes
        hidden = [(*shape[:-1], dim) for shape in shapes]
        masks = [(*shape[:-1], num_classes) for shape in shapes]
        classes = (shapes[0][0], num_classes, dim)

        self.reconstructions = [
            build_layer(
                self.reconstruction_class(name=f"reconstruction_{i}", **kwargs), shape
            )
            for i, shape in enumerate(shapes)
        ]
        self.laterals = [
            build_layer(
                keras.layers.Conv2D(
                    dim, 1, use_bias=False, name=f"lateral_{i}", **kwargs
                ),
                shape,
            )
            for i, shape in enumerate(shapes)
        ]
        self.add_sublayer(
            GroupedDense(dim, self.num_heads, name="mask_projection", **kwargs),
            hidden[-1],
        )
        self.add_sublayer(
            keras.layers.Conv2D(
                num_classes, 1, use_bias=False, name="mask_classifier", **kwargs
            ),
            hidden[-1],
        )
        self.extractions = [
            build_layer(
                ClassExtraction(dim, self.pool_ratio, name=f"extraction_{i}", **kwargs),
                shape,
            )
            for i, shape in enumerate(masks)
        ]
        self._build_updates(hidden, classes)
        self._build_fusion(hidden)
        self.build_classifier(hidden[0])
        self.add_sublayer(
            keras.layers.Dense(num_classes, name="class_term", **kwargs), classes
        )

    def _build_updates(self, hidden, classes):
        """Adds what each level but the coarsest has, level by level."""
        kwargs, dim = {"dtype": self.dtype_policy}, self.hidden_dim
        self.attentions, self.updaters, self.upsamplings = [], [], []
        for i, shape in enumerate(hidden[:-1]):
            attention = SemanticsAttention(
                dim,
                self.num_heads,
                self.mlp_ratio,
                self.query_activation,
                name=f"attention_{i}",
                **kwargs,
            )
            updater = GatedClassUpdater(dim, self.gated, name=f"updater_{i}", **kwargs)
            upsamplings = [
                build_layer(
                    GhostUpsampling(dim, name=f"upsampling_{i + 1}_{j}", **kwargs),
                    hidden[i + 1 - j],
                )
                for j in range(i + 1 - self._fused_level)
            ]
            self.attentions.append(build_layer(attention, shape, classes))
            self.updaters.append(build_layer(updater, classes, classes))
            self.upsamplings.append(upsamplings)

    @property
    def _fused_level(self):
        """The level at whose resolution the levels are joined."""
        return 1 if self.fusion_kind == "coarse" else 0

    def _build_fusion(self, hidden):
        kwargs, dim = {"dtype": self.dtype_policy}, self.hidden_dim
        shape, levels = hidden[self._fused_level], len(hidden) - self._fused_level
        if self.fusion_kind == "separable":
            layer = keras.layers.DepthwiseConv2D(
                3, padding="same", use_bias=False, name="fusion_depthwise", **kwargs
            )
            self.add_sublayer(layer, (*shape[:-1], levels * dim))
        kernel_size = 1 if self.fusion_kind == "separable" else 3
        self.build_fusion(levels, shape, kernel_size)
        if self.fusion_kind == "coarse":
            layer = GhostUpsampling(dim, name="fusion_upsampling", **kwargs)
            self.add_sublayer(layer, shape)

    def _fuse(self, joined, training):
        x = mask_padding(ops.concatenate(joined, axis=-1))
        if self.fusion_kind == "separable":
            x = self.fusion_depthwise(x)
        return ops.relu(normalized(self.fusion, self.fusion_norm, x, training))

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
            laterals[i], masks = rematerialized(
                self.attentions[i], laterals[i], embeddings
            )
            update = self.extractions[i](masks)
            embeddings = self.updaters[i](update, embeddings)
            details["attended"][i] = laterals[i]
            details["masks"][i] = masks
            details["class_embeddings"][i] = update
            details["gated"][i] = embeddings

        size, base = ops.shape(laterals[0])[1:3], self._fused_level
        joined, joined_size = [laterals[base]], ops.shape(laterals[base])[1:3]
        for i in range(base + 1, last + 1):
            x = laterals[i]
            for upsampling in self.upsamplings[i - 1]:
                x = upsampling(x, training=training)
            joined.append(resize_bilinear(x, joined_size))
            details["upsampled"][i] = joined[-1]
        x = self._fuse(joined, training)  # (B, H_base, W_base, C)
        if base:
            x = self.fusion_upsampling(x, training=training)
            x = resize_bilinear(x, size) + laterals[0]  # (B, H_0, W_0, C)
        x, regions = self.reason(x, training)
        logits = self.classifier(self.spatial_dropout(x, training=training))

        coarse_masks = sum(
            resize_bilinear(details["masks"][i], size) for i in range(1, last + 1)
        )  # (B, H_0, W_0, K)
        own_class = ops.softmax(self.class_term(embeddings), axis=-1)  # (B, K, K)
        identity = ops.eye(self.num_classes, dtype=own_class.dtype)
        own_class = ops.sum(own_class * identity, axis=-1)  # the diagonal: (B, K)
        all_masks = ops.sigmoid(coarse_masks + details["masks"][0])
        logits = logits + own_class[:, None, None, :] * all_masks
        outputs = self.ordered_outputs(logits, regions)
        if auxiliary:
            outputs.update(mask_logits=coarse_masks, diversity=diversity)
        if return_details:
            outputs.update(details)
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "query_activation": keras.activations.serialize(self.query_activation),
            "gated": self.gated,
            "mlp_ratio": self.mlp_ratio,
            "pool_ratio": self.pool_ratio,
            "fusion": self.fusion_kind,
        }


_DETAILS = "reconstructed masks class_embeddings attended gated upsampled".split()
