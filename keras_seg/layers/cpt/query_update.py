import keras
from keras import ops

from keras_seg.keras_internals.rematerialization import rematerialized
from keras_seg.layers.composite_layer import (
    CompositeLayer,
    check_feature_map,
    check_positive,
    layer_norm,
)
from keras_seg.layers.cpt.category_prototypes import CategoryPrototypes
from keras_seg.layers.cpt.prototype_memory import PrototypeMemory, momentum_config
from keras_seg.layers.semantics_attention import SemanticsAttention

SOURCES = ("pixels", "prototypes", "memory")
EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="keras_seg")
class QueryUpdate(CompositeLayer):
    """Upsamples coarse features to the resolution of fine ones by attention.

    Bilinear interpolation mixes the four nearest positions. Here each fine position
    attends to the whole coarse map, or to a few vectors that represent it. The two
    maps may have any sizes.

    Reference:
        [Rethinking Feature Reconstruction via Category Prototype in Semantic
        Segmentation](https://doi.org/10.1109/TIP.2025.3534532), IEEE TIP 2025;
        [preprint](https://arxiv.org/abs/2308.05581).

    Args:
        num_classes: Integer. Number of categories `K`.
        hidden_dim: Integer. Number of channels `C`; `num_heads` divides it.
        num_heads: Integer. Number of attention heads, and of the groups of channels
            in `CategoryPrototypes`.
        source: String. What the fine positions attend to: `"pixels"`, all coarse
            positions; `"prototypes"`, the `CategoryPrototypes` of the coarse map; or
            `"memory"`, these blended with the `PrototypeMemory` of the data set. The
            cost of `"pixels"` is proportional to the product of the two areas.
        memory_momentum: See `momentum` of `PrototypeMemory`.
        initial_memory: See `PrototypeMemory`.
        mlp_ratio: Integer. Width of the attention's MLP in multiples of `hidden_dim`.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        fine: Tensor, the features to update.
        coarse: Tensor, the features to upsample.
        training: Boolean, or `None`. Whether the memory is updated.

    Input shape:
        `(B, H, W, hidden_dim)` and `(B, h, w, hidden_dim)`

    Output shape:
        Dictionary with `features`, `(B, H, W, hidden_dim)`; unless the source is
        `"pixels"`, also `mask_logits`, `(B, h, w, K)`, and `prototypes`, `(B, K,
        hidden_dim)`, before the blend with the memory.

    Raises:
        ValueError: If `source` is unknown or the channels do not fit.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.QueryUpdate(num_classes=7, hidden_dim=32)
    fine = np.random.normal(size=(2, 6, 8, 32)).astype("float32")
    coarse = np.random.normal(size=(2, 3, 4, 32)).astype("float32")
    print(layer(fine, coarse)["features"].shape)  # (2, 6, 8, 32)
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
        mlp_ratio=4,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if source not in SOURCES:
            raise ValueError(
                f"`source` must be one of {', '.join(map(repr, SOURCES))}. Received: "
                f"source={source!r}."
            )
        check_positive(
            num_classes=num_classes, hidden_dim=hidden_dim, num_heads=num_heads
        )
        if hidden_dim % num_heads:
            raise ValueError(
                "`num_heads` must divide `hidden_dim`. Received: "
                f"num_heads={num_heads}, hidden_dim={hidden_dim}."
            )
        self.num_classes = num_classes
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.source = source
        self.memory_momentum = memory_momentum
        self.initial_memory = initial_memory
        self.mlp_ratio = mlp_ratio
        self.prototypes = self.memory = None

    @property
    def class_layers(self):
        """The layers whose weights depend on the set of classes."""
        masks = [] if self.prototypes is None else [self.prototypes.mask_classifier]
        return masks if self.memory is None else [*masks, self.memory]

    def build(self, fine_shape, coarse_shape):
        for shape in (coarse_shape, fine_shape):  # the last one stays the input spec
            if check_feature_map(self, shape) != self.hidden_dim:
                raise ValueError(
                    f"QueryUpdate(hidden_dim={self.hidden_dim}) expects feature maps "
                    f"with {self.hidden_dim} channels. Received: {tuple(fine_shape)} "
                    f"and {tuple(coarse_shape)}."
                )
        kwargs = {"dtype": self.dtype_policy}
        tokens = (coarse_shape[0], None, self.hidden_dim)
        self.add_sublayer(layer_norm("coarse_norm", EPSILON, **kwargs), coarse_shape)
        if self.source != "pixels":
            tokens = (coarse_shape[0], self.num_classes, self.hidden_dim)
            self.add_sublayer(
                CategoryPrototypes(
                    self.num_classes, self.num_heads, name="prototypes", **kwargs
                ),
                coarse_shape,
            )
        if self.source == "memory":
            self.add_sublayer(
                PrototypeMemory(
                    self.memory_momentum, self.initial_memory, name="memory", **kwargs
                ),
                tokens,
            )
        self.add_sublayer(
            SemanticsAttention(
                self.hidden_dim,
                self.num_heads,
                self.mlp_ratio,
                normalize_classes=False,
                key_value_bias=True,
                norm_epsilon=EPSILON,
                return_masks=False,
                name="attention",
                **kwargs,
            ),
            fine_shape,
            tokens,
        )

    def call(self, fine, coarse, training=None):
        source, outputs = self.coarse_norm(coarse), {}
        if self.prototypes is None:
            shape = ops.shape(source)
            tokens = ops.reshape(
                source, (-1, shape[1] * shape[2], self.hidden_dim)
            )  # (B, hw, C)
        else:
            tokens, masks = self.prototypes(source)  # (B, K, C), (B, h, w, K)
            outputs = {"mask_logits": masks, "prototypes": tokens}
        if self.memory is not None:
            tokens = self.memory(tokens, training=training)
        features = rematerialized(self.attention, fine, tokens)
        return {"features": features, **outputs}

    def compute_output_shape(self, fine_shape, coarse_shape):
        shapes = {"features": tuple(fine_shape)}
        if self.source != "pixels":
            shapes["mask_logits"] = (*coarse_shape[:-1], self.num_classes)
            shapes["prototypes"] = (fine_shape[0], self.num_classes, self.hidden_dim)
        return shapes

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "source": self.source,
            "memory_momentum": momentum_config(self.memory_momentum),
            "mlp_ratio": self.mlp_ratio,
        }
