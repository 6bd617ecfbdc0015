import keras
from keras import ops

from keras_seg.layers.composite_layer import CompositeLayer, layer_norm


@keras.saving.register_keras_serializable(package="keras_seg")
class GatedClassUpdater(CompositeLayer):
    """Updates class embeddings with new ones through a learned gate.

    Reference:
        [Boosting Semantic Segmentation from the Perspective of Explicit Class
        Embeddings](https://arxiv.org/abs/2308.12894), ICCV 2023.

    Args:
        hidden_dim: Integer. Number of channels of an embedding.
        gated: Boolean. `False` is the variant of the paper's ablation: the sum of
            both inputs, without weights.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        update: Tensor, the embeddings extracted from the newest masks.
        state: Tensor, the embeddings so far.

    Input shape:
        Both `(B, K, hidden_dim)`.

    Output shape:
        `(B, K, hidden_dim)`

    Raises:
        ValueError: If an input is not of rank 3 or does not have `hidden_dim` channels.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.GatedClassUpdater(hidden_dim=32)
    embeddings = np.random.normal(size=(2, 7, 32)).astype("float32")
    print(layer(embeddings, embeddings).shape)  # (2, 7, 32)
    ```
    """

    def __init__(self, hidden_dim, gated=True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.hidden_dim = hidden_dim
        self.gated = gated

    def build(self, update_shape, state_shape):
        for shape in (update_shape, state_shape):
            if len(shape) != 3 or shape[-1] != self.hidden_dim:
                raise ValueError(
                    f"GatedClassUpdater(hidden_dim={self.hidden_dim}) expects two "
                    f"inputs of shape (B, K, {self.hidden_dim}). Received: "
                    f"{tuple(update_shape)} and {tuple(state_shape)}."
                )
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: self.hidden_dim})
        if not self.gated:
            return
        kwargs, dim = {"dtype": self.dtype_policy}, self.hidden_dim
        for layer in (
            keras.layers.Dense(2 * dim, name="update_projection", **kwargs),
            keras.layers.Dense(dim, name="state_projection", **kwargs),
            keras.layers.Dense(dim, name="gate_projection", **kwargs),
            keras.layers.Dense(dim, name="output_projection", **kwargs),
            layer_norm("gate_norm", **kwargs),
            layer_norm("update_norm", **kwargs),
            layer_norm("output_norm", **kwargs),
        ):
            self.add_sublayer(layer, state_shape)

    def call(self, update, state):
        if not self.gated:
            return update + state
        gate_input, update = ops.split(
            self.update_projection(update), 2, axis=-1
        )  # (B, K, C) each
        gate = self.gate_projection(self.state_projection(state) * gate_input)
        gate = ops.sigmoid(self.gate_norm(gate))
        state = gate * self.update_norm(update) + state
        return ops.relu(self.output_norm(self.output_projection(state)))

    def compute_output_shape(self, update_shape, state_shape):
        return tuple(state_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "gated": self.gated,
        }
