import keras
from keras import ops

from keras_seg.keras_internals.folded_norm import normalized
from keras_seg.layers.composite_layer import build_layer
from keras_seg.layers.cpt.prototype_memory import momentum_config
from keras_seg.layers.cpt.query_update import SOURCES, QueryUpdate
from keras_seg.layers.decode_head import DecodeHead
from keras_seg.layers.pooling import ImagePool
from keras_seg.layers.resizing import resize_bilinear
from keras_seg.layers.valid_region import mask_padding


@keras.saving.register_keras_serializable(package="keras_seg")
class CPTHead(DecodeHead):
    """The decode head of CPT: a feature pyramid with query updates.

    A plain feature pyramid upsamples the coarser level bilinearly. Here each finer
    level attends to the prototypes of the categories in the coarser one, blended with
    a memory of the prototypes of the data set. All levels are then joined at the
    resolution of the finest one, together with a vector of the whole image.

    Reference:
        [Rethinking Feature Reconstruction via Category Prototype in Semantic
        Segmentation](https://doi.org/10.1109/TIP.2025.3534532), IEEE TIP 2025;
        [preprint](https://arxiv.org/abs/2308.05581).

    Args:
        num_classes: Integer. Number of classes `K`.
        hidden_dim: Integer. Number of channels `C` of all levels inside the head.
        num_heads: Integer. Number of attention heads.
        source: String. See `QueryUpdate`; `"bilinear"` is a plain feature pyramid, for
            comparison.
        memory_momentum: See `momentum` of `PrototypeMemory`. Each query update has a
            memory of its own.
        initial_memory: `None`, or an array `(K, C)` for all memories, or `(updates,
            K, C)` with one for each, the finest level first.
        activation: Activation of the joined levels and of the vector of the image.
        pool_dim: Integer. Channels of the vector of the image; 0 leaves it out.
        mlp_ratio: Integer. Width of the attention's MLP in multiples of `hidden_dim`.
        dropout: Float. Rate of the spatial dropout before the classifier.
        reasoner: Boolean, or a dictionary with arguments of `LatentRegionReasoner`.
            Applies one to the joined levels (ours).
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: List of the features of the pyramid levels, finest first, of any
            sizes. A single level, such as that of stride 32, is updated from itself
            (ours).
        training: Boolean, or `None`.
        return_details: Boolean. Whether to return the auxiliary outputs also in
            inference, and with them the intermediate results of each level.

    Input shape:
        List of `(B, H_i, W_i, C_i)`, at least one.

    Output shape:
        Dictionary with `logits`, `(B, H_0, W_0, K)`. With a reasoner also its
        `regions` and `tokens`. In training also `mask_logits`, a list of
        `(B, H_i, W_i, K)`, the coarsest first, unless the source has no masks. With
        `return_details=True` also `prototypes`, `(B, K, C)`, and `updated`,
        `(B, H_i, W_i, C)`: dictionaries by the index of the updated level.

    Raises:
        ValueError: If the input is not a list of feature maps, or an argument is out
            of range.

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
    ) -> None:
        super().__init__(num_classes, hidden_dim, dropout, reasoner, **kwargs)
        if source not in (*SOURCES, "bilinear"):
            raise ValueError(
                f"`source` must be one of {', '.join(map(repr, SOURCES))} or "
                f"'bilinear'. Received: source={source!r}."
            )
        self.num_heads = num_heads
        self.source = source
        self.memory_momentum = memory_momentum
        if initial_memory is not None:
            initial_memory = ops.convert_to_numpy(initial_memory)
        self.initial_memory = initial_memory
        self.activation = keras.activations.get(activation)
        self.pool_dim = pool_dim
        self.mlp_ratio = mlp_ratio

    @property
    def masks_padding(self):
        """Whether the head leaves out the padding inside `valid_region`."""
        return self.source != "pixels"

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
        shapes = self.pyramid_shapes(input_shape)
        kwargs = {"dtype": self.dtype_policy}
        dim, last = self.hidden_dim, len(shapes) - 1
        hidden = [(*shape[:-1], dim) for shape in shapes]
        updated = hidden[: max(1, last)]  # a single level is updated from itself

        self.laterals = [
            build_layer(
                keras.layers.Conv2D(dim, 1, name=f"lateral_{i}", **kwargs), shape
            )
            for i, shape in enumerate(shapes)
        ]
        self.updates = []
        if self.source != "bilinear":
            self.updates = [
                build_layer(
                    QueryUpdate(
                        self.num_classes,
                        dim,
                        self.num_heads,
                        self.source,
                        self.memory_momentum,
                        self._initial_memory_of(i, len(updated)),
                        self.mlp_ratio,
                        name=f"update_{i}",
                        **kwargs,
                    ),
                    shape,
                    hidden[min(i + 1, last)],
                )
                for i, shape in enumerate(updated)
            ]
        self.smoothings = [
            build_layer(
                keras.layers.Conv2D(
                    dim, 3, padding="same", name=f"smoothing_{i}", **kwargs
                ),
                shape,
            )
            for i, shape in enumerate(updated)
        ]
        self.build_fusion(len(updated) + 1, hidden[0])
        if self.pool_dim:
            self.add_sublayer(
                ImagePool(self.pool_dim, self.activation, name="image_pool", **kwargs),
                shapes[-1],
            )
        self.build_classifier((*hidden[0][:-1], dim + self.pool_dim))

    def _initial_memory_of(self, i, updates):
        memory = self.initial_memory
        if memory is None or memory.ndim < 3:
            return memory
        if len(memory) != updates:
            raise ValueError(
                f"`initial_memory` has shape {memory.shape}, but there are {updates} "
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
            joined.append(resize_bilinear(self.smoothings[i](mask_padding(x)), size))
        x = mask_padding(ops.concatenate(joined, axis=-1))
        x = normalized(self.fusion, self.fusion_norm, x, training)
        x = self.activation(x)  # (B, H_0, W_0, C)
        x, regions = self.reason(x, training)
        if self.pool_dim:
            pooled = self.image_pool(inputs[-1], training=training)  # (B, 1, 1, P)
            pooled = pooled + ops.zeros_like(x[..., :1])  # (B, H_0, W_0, P)
            x = ops.concatenate([x, pooled], axis=-1)  # (B, H_0, W_0, C + P)
        logits = self.classifier(self.spatial_dropout(x, training=training))
        outputs = self.ordered_outputs(logits, regions)
        if auxiliary and self.has_masks:
            outputs["mask_logits"] = masks
        if return_details:
            outputs.update(details)
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "source": self.source,
            "memory_momentum": momentum_config(self.memory_momentum),
            "activation": keras.activations.serialize(self.activation),
            "pool_dim": self.pool_dim,
            "mlp_ratio": self.mlp_ratio,
        }
