import keras
from keras import ops

from keras_seg.layers.composite_layer import CompositeLayer, check_positive
from keras_seg.layers.pooling import adaptive_average_pool


@keras.saving.register_keras_serializable(package="keras_seg")
class ClassExtraction(CompositeLayer):
    """Maps the predicted mask of each class to an embedding of the class.

    The mask logits of a class are averaged over grids of 1, 2, 3, 6 and `n` cells a
    side. One projection, shared by all classes, maps the cells to the embedding. An
    embedding thus depends on the position of its mask, not directly on image features.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        hidden_dim: Integer. Number of channels of an embedding.
        pool_ratio: Float. `n` is `int(sqrt(K) * pool_ratio)`, plus 1 if that is even.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, K)`, the mask logits of `K` classes.

    Output shape:
        `(B, K, hidden_dim)`

    Raises:
        ValueError: If the input is not of rank 4 or `K` is unknown.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ClassExtraction(hidden_dim=32)
    masks = np.random.normal(size=(2, 12, 16, 7)).astype("float32")
    print(layer(masks).shape)  # (2, 7, 32)
    ```
    """

    def __init__(self, hidden_dim, pool_ratio=1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(hidden_dim=hidden_dim)
        self.hidden_dim = hidden_dim
        self.pool_ratio = pool_ratio

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                "ClassExtraction expects mask logits of shape (B, H, W, K) with a "
                "known number of classes K. Received: input_shape="
                f"{tuple(input_shape)}."
            )
        num_classes = input_shape[-1]
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: num_classes})
        finest = max(1, int(num_classes**0.5 * self.pool_ratio))
        self.pool_sizes = [1, 2, 3, 6, finest + 1 - finest % 2]
        num_cells = sum(n * n for n in self.pool_sizes)
        self.add_sublayer(
            keras.layers.Dense(
                self.hidden_dim, name="projection", dtype=self.dtype_policy
            ),
            (input_shape[0], num_classes, num_cells),
        )

    def call(self, inputs):
        cells = adaptive_average_pool(inputs, self.pool_sizes)  # (B, cells, K)
        return self.projection(ops.transpose(cells, (0, 2, 1)))  # (B, K, C)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1], self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "pool_ratio": self.pool_ratio,
        }
