import collections

import keras
from keras import ops

from keras_seg.layers.cpt.query_update import SOURCES, QueryUpdate
from keras_seg.layers.image_pool import ImagePool
from keras_seg.layers.normalization import batch_norm
from keras_seg.layers.pyramid import build_each, check_pyramid
from keras_seg.layers.resize import resize_bilinear
from keras_seg.layers.sgr.latent_region_reasoner import make_reasoner, region_shapes


@keras.saving.register_keras_serializable(package="keras_seg")
class CPTHead(keras.layers.Layer):
    """The decode head of CPT: a feature pyramid that is joined by query updates.

    Where a plain feature pyramid enlarges the coarser level bilinearly, each finer
    level here attends to the prototypes of the categories in the coarser one, blended
    with a memory of them. All levels are then joined at the finest one, together with
    a vector of the whole image.

    Reference:
        [Rethinking Feature Reconstruction via Category Prototype in Semantic
        Segmentation](https://doi.org/10.1109/TIP.2025.3534532), IEEE TIP 2025;
        [preprint](https://arxiv.org/abs/2308.05581).

    Args:
        num_classes: Integer. Number of classes `K`.
        hidden_dim: Integer. Number of channels `C` of all levels inside the head.
        num_heads: Integer. Number of attention heads.
        source: String, see `QueryUpdate`; or `"bilinear"`, which makes a plain
            feature pyramid, for comparison.
        memory_momentum: See `momentum` of `PrototypeMemory`. Each query update has a
            memory of its own.
        initial_memory: `None`, or an array `(K, C)` for all memories, or `(updates,
            K, C)` with one for each, the finest level first.
        activation: Activation of the join and of the image's vector.
        pool_dim: Integer. Channels of the image's vector; 0 leaves it out.
        mlp_ratio: Integer. Width of the MLP of the attention.
        dropout: Float. Rate of the spatial dropout before the classifier.
        reasoner: Boolean, or a dictionary with arguments of `LatentRegionReasoner`.
            Puts one behind the joined levels (ours).
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: List of the features of the pyramid levels, finest first, of any
            sizes. A single level, such as that of stride 32, is updated from itself
            (ours).
        training: Boolean, or `None`.
        return_details: Boolean. Whether to return the auxiliary outputs also in
            inference, and the steps of every level with them.

    Input shape:
        List of `(B, H_i, W_i, C_i)`, at least one.

    Output shape:
        Dictionary with `logits`, `(B, H_0, W_0, K)`. In training also `mask_logits`,
        a list of `(B, H_i, W_i, K)`, the coarsest first, unless the source has no
        masks. With a reasoner always also its `regions` and `tokens`. With
        `return_details=True` also `prototypes`, `(B, K, C)`, and
        `updated`, `(B, H_i, W_i, C)`: dictionaries with the index of the updated
        level as the key.

    Raises:
        ValueError: If the input is not a list of feature maps, or an argument does
            not fit.

    Example:

    ```python
    import keras
    import keras_seg

    head = keras_seg.layers.CPTHead(num_classes=7, hidden_dim=32)
    pyramid = [keras.Input((None, None, c)) for c in (16, 24, 32, 64)]
    print(head(pyramid)["logits"].shape)  # (None, None, None, 7)
    ```
    """

    def __init__(
        self,
        num_classes,
        hidden_dim=256,
        num_heads=4,
        source="memory",
        memory_momentum=0.1,
        initial_memory=None,
        activation="gelu",
        pool_dim=48,
        mlp_ratio=4,
        dropout=0.1,
        reasoner=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if source not in (*SOURCES, "bilinear"):
            raise ValueError(
                f"`source` must be one of {', '.join(map(repr, SOURCES))} or "
                f"'bilinear'. Received: source={source!r}."
            )
        self.num_classes = num_classes
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.source = source
        self.memory_momentum = memory_momentum
        if initial_memory is not None:
            initial_memory = ops.convert_to_numpy(initial_memory)
        self.initial_memory = initial_memory
        self.activation = keras.activations.get(activation)
        self.pool_dim = pool_dim
        self.mlp_ratio = mlp_ratio
        self.dropout = dropout
        self.reasoner_options = reasoner
        self.reasoner = make_reasoner(reasoner, hidden_dim, self.dtype_policy)

    @property
    def has_masks(self):
        """Whether there are masks to train."""
        return self.source in ("prototypes", "memory")

    @property
    def class_layers(self):
        """The layers whose weights depend on the set of classes."""
        layers = [x for update in self.updates for x in update.class_layers]
        return [*layers, self.classifier]

    def build(self, input_shape):
        shapes = check_pyramid("CPTHead", input_shape, least=1)
        kwargs = {"dtype": self.dtype_policy}
        dim, levels = self.hidden_dim, len(shapes)
        hidden = [(*shape[:-1], dim) for shape in shapes]
        steps = max(1, levels - 1)

        self.laterals = build_each(
            [
                keras.layers.Conv2D(dim, 1, name=f"lateral_{i}", **kwargs)
                for i in range(levels)
            ],
            shapes,
        )
        self.updates = []
        for i in range(steps if self.source != "bilinear" else 0):
            update = QueryUpdate(
                self.num_classes,
                dim,
                self.num_heads,
                self.source,
                self.memory_momentum,
                self._initial_memory_of(i, steps),
                self.mlp_ratio,
                name=f"update_{i}",
                **kwargs,
            )
            update.build(hidden[i], hidden[min(i + 1, levels - 1)])
            self.updates.append(update)
        self.smoothings = build_each(
            [
                keras.layers.Conv2D(
                    dim, 3, padding="same", name=f"smoothing_{i}", **kwargs
                )
                for i in range(steps)
            ],
            hidden[:steps],
        )
        self.fusion = keras.layers.Conv2D(
            dim, 3, padding="same", use_bias=False, name="fusion", **kwargs
        )
        self.fusion.build((*hidden[0][:-1], (steps + 1) * dim))
        self.fusion_norm = batch_norm("fusion_norm", **kwargs)
        self.fusion_norm.build(hidden[0])
        if self.reasoner is not None:
            self.reasoner.build(hidden[0])
        if self.pool_dim:
            self.image_pool = ImagePool(
                self.pool_dim, self.activation, name="image_pool", **kwargs
            )
            self.image_pool.build(shapes[-1])
        self.spatial_dropout = keras.layers.SpatialDropout2D(
            self.dropout, name="spatial_dropout", **kwargs
        )
        self.classifier = keras.layers.Conv2D(
            self.num_classes, 1, name="classifier", **kwargs
        )
        self.classifier.build((*hidden[0][:-1], dim + self.pool_dim))
        self.built = True

    def _initial_memory_of(self, i, steps):
        memory = self.initial_memory
        if memory is None or memory.ndim < 3:
            return memory
        if len(memory) != steps:
            raise ValueError(
                f"`initial_memory` has shape {memory.shape}, but there are {steps} "
                "memories. Give one array (K, C) for all, or one for each."
            )
        return memory[i]

    def call(self, inputs, training=None, return_details=False):
        auxiliary = bool(training) or return_details
        details = {"prototypes": {}, "updated": {}}
        laterals = [
            lateral(features)  # (B, H_i, W_i, C)
            for lateral, features in zip(self.laterals, inputs, strict=True)
        ]
        size = ops.shape(laterals[0])[1:3]
        x, masks = laterals[-1], []
        joined = [resize_bilinear(x, size)]
        for i in reversed(range(len(self.smoothings))):
            if self.updates:
                update = self.updates[i](laterals[i], x, training=training)
                x = update["features"]
            else:
                update = {}
                x = laterals[i] + resize_bilinear(x, ops.shape(laterals[i])[1:3])
            details["updated"][i] = x
            if self.has_masks:
                masks.append(update["mask_logits"])
                details["prototypes"][i] = update["prototypes"]
            joined.append(resize_bilinear(self.smoothings[i](x), size))
        x = self.fusion(ops.concatenate(joined, axis=-1))  # (B, H_0, W_0, C)
        x = self.activation(self.fusion_norm(x, training=training))
        regions = {}
        if self.reasoner is not None:
            x, regions["regions"], regions["tokens"] = self.reasoner(
                x, training=training, return_regions=True
            )
        if self.pool_dim:
            pooled = self.image_pool(inputs[-1], training=training)  # (B, 1, 1, P)
            pooled = pooled + ops.zeros_like(x[..., :1])  # (B, H_0, W_0, P)
            x = ops.concatenate([x, pooled], axis=-1)  # (B, H_0, W_0, C + P)
        logits = self.classifier(self.spatial_dropout(x, training=training))
        # A functional model pairs outputs with symbolic ones by position: the logits,
        # which are always there, must stay in front of what training adds.
        outputs = collections.OrderedDict(logits=logits, **regions)
        if auxiliary and self.has_masks:
            outputs["mask_logits"] = masks
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
        momentum = self.memory_momentum
        if callable(momentum):
            momentum = keras.saving.serialize_keras_object(momentum)
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "source": self.source,
            "memory_momentum": momentum,
            "activation": keras.activations.serialize(self.activation),
            "pool_dim": self.pool_dim,
            "mlp_ratio": self.mlp_ratio,
            "dropout": self.dropout,
            "reasoner": self.reasoner_options,
        }
