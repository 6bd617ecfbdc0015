import keras
from keras import ops

from keras_seg.layers.composite_layer import (
    CompositeLayer,
    check_positive,
    layer_norm,
)
from keras_seg.layers.valid_region import mask_padding


@keras.saving.register_keras_serializable(package="keras_seg")
class SemanticsAttention(CompositeLayer):
    """Attention from positions to class embeddings; the scores are masks.

    Queries are positions, keys and values are class embeddings. The mean of the
    scores over heads is returned as the mask logits of the level. As in the
    published code, the scores are negated before the softmax: a position attends most
    to the classes that it resembles least.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        hidden_dim: Integer. Number of channels; `num_heads` divides it.
        num_heads: Integer. Number of attention heads.
        mlp_ratio: Integer. Width of the MLP in multiples of `hidden_dim`.
        query_activation: Activation after both convolutions of the query
            projection. The published inference code has `"relu"` there, the code
            that it was ported from has none (`None`, the default).
        normalize_classes: Boolean. Whether the class embeddings are normalised before
            they are projected to keys and values.
        key_value_bias: Boolean. Whether keys and values have a bias.
        norm_epsilon: Float, of the normalisations.
        return_masks: Boolean. Without masks the scores need not be kept, and the
            attention may run as one fused operation.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        features: Tensor, the features of one pyramid level.
        class_embeddings: Tensor, the class embeddings so far.

    Input shape:
        `(B, H, W, hidden_dim)` and `(B, K, hidden_dim)`

    Output shape:
        The attended features `(B, H, W, hidden_dim)` and the mask logits
        `(B, H, W, K)`; with `return_masks=False` only the features.

    Raises:
        ValueError: If `num_heads` does not divide `hidden_dim`, or an input has
            another rank or number of channels.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.SemanticsAttention(hidden_dim=32, num_heads=4)
    features = np.random.normal(size=(2, 6, 8, 32)).astype("float32")
    class_embeddings = np.random.normal(size=(2, 7, 32)).astype("float32")
    attended, masks = layer(features, class_embeddings)
    print(attended.shape, masks.shape)  # (2, 6, 8, 32) (2, 6, 8, 7)
    ```
    """

    def __init__(
        self,
        hidden_dim,
        num_heads=4,
        mlp_ratio=4,
        query_activation=None,
        normalize_classes=True,
        key_value_bias=False,
        norm_epsilon=1e-5,
        return_masks=True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(hidden_dim=hidden_dim, num_heads=num_heads)
        if hidden_dim % num_heads:
            raise ValueError(
                "`num_heads` must divide `hidden_dim`. Received: "
                f"num_heads={num_heads}, hidden_dim={hidden_dim}."
            )
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.query_activation = keras.activations.get(query_activation)
        self.normalize_classes = normalize_classes
        self.key_value_bias = key_value_bias
        self.norm_epsilon = norm_epsilon
        self.return_masks = return_masks

    def build(self, features_shape, class_embeddings_shape):
        dim, shapes = self.hidden_dim, (features_shape, class_embeddings_shape)
        if [len(s) for s in shapes] != [4, 3] or any(s[-1] != dim for s in shapes):
            raise ValueError(
                f"SemanticsAttention(hidden_dim={dim}) expects inputs with {dim} "
                f"channels, of shape (B, H, W, {dim}) and (B, K, {dim}). Received: "
                f"{tuple(features_shape)} and {tuple(class_embeddings_shape)}."
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: dim})
        kwargs, epsilon = {"dtype": self.dtype_policy}, self.norm_epsilon
        wide = dim * self.mlp_ratio
        wide_shape = (*features_shape[:-1], wide)
        self.add_sublayer(
            layer_norm("features_norm", epsilon, **kwargs), features_shape
        )
        if self.normalize_classes:
            self.add_sublayer(
                layer_norm("class_norm", epsilon, **kwargs), class_embeddings_shape
            )
        self.add_sublayer(layer_norm("mlp_norm", epsilon, **kwargs), features_shape)
        self.add_sublayer(
            keras.layers.DepthwiseConv2D(
                3, padding="same", name="query_depthwise", **kwargs
            ),
            features_shape,
        )
        self.add_sublayer(
            keras.layers.Conv2D(dim, 1, name="query_pointwise", **kwargs),
            features_shape,
        )
        self.add_sublayer(
            keras.layers.Dense(
                2 * dim, use_bias=self.key_value_bias, name="key_value", **kwargs
            ),
            class_embeddings_shape,
        )
        self.add_sublayer(
            keras.layers.Conv2D(dim, 1, name="projection", **kwargs), features_shape
        )
        self.add_sublayer(
            keras.layers.Conv2D(wide, 1, name="mlp_expand", **kwargs), features_shape
        )
        self.add_sublayer(
            keras.layers.DepthwiseConv2D(
                3, padding="same", name="mlp_depthwise", **kwargs
            ),
            wide_shape,
        )
        self.add_sublayer(
            keras.layers.Conv2D(dim, 1, name="mlp_reduce", **kwargs), wide_shape
        )

    def call(self, features, class_embeddings):
        shape = ops.shape(features)
        height, width = shape[1], shape[2]
        heads, depth = self.num_heads, self.hidden_dim // self.num_heads
        num_classes = ops.shape(class_embeddings)[1]

        query = self.query_depthwise(mask_padding(self.features_norm(features)))
        query = self.query_activation(query)
        query = self.query_activation(self.query_pointwise(query))
        query = ops.reshape(query, (-1, height * width, heads, depth))  # (B, HW, h, d)
        if self.normalize_classes:
            class_embeddings = self.class_norm(class_embeddings)
        key, value = ops.split(self.key_value(class_embeddings), 2, axis=-1)
        key = ops.reshape(key, (-1, num_classes, heads, depth))  # (B, K, h, d)
        value = ops.reshape(value, (-1, num_classes, heads, depth))

        if self.return_masks:
            scores = ops.einsum("bphd,bkhd->bphk", query, key)  # (B, HW, h, K)
            scores = scores * depth**-0.5
            attention = ops.softmax(-scores, axis=-1)
            x = ops.einsum("bphk,bkhd->bphd", attention, value)  # (B, HW, h, d)
        else:
            x = ops.dot_product_attention(-query, key, value)  # (B, HW, h, d)
        x = ops.reshape(x, (-1, height, width, self.hidden_dim))  # (B, H, W, C)
        x = self.projection(x) + features
        mlp = self.mlp_depthwise(mask_padding(self.mlp_expand(self.mlp_norm(x))))
        x = x + self.mlp_reduce(ops.gelu(mlp, approximate=False))
        if not self.return_masks:
            return x

        masks = ops.reshape(
            ops.mean(scores, axis=2), (-1, height, width, num_classes)
        )  # (B, H, W, K)
        return x, masks

    def compute_output_shape(self, features_shape, class_embeddings_shape):
        if not self.return_masks:
            return tuple(features_shape)
        masks_shape = (*features_shape[:-1], class_embeddings_shape[1])
        return tuple(features_shape), masks_shape

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
            "query_activation": keras.activations.serialize(self.query_activation),
            "normalize_classes": self.normalize_classes,
            "key_value_bias": self.key_value_bias,
            "norm_epsilon": self.norm_epsilon,
            "return_masks": self.return_masks,
        }
