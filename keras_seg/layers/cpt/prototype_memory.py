import keras
from keras import ops

from keras_seg.keras_internals.replica_sum import replica_sum

EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="keras_seg")
class PrototypeMemory(keras.layers.Layer):
    """Blends the prototypes of an image with a memory of those of the data set.

    The memory holds a vector for each category. Each training step moves it towards
    the normalised mean of the prototypes of the batch, over all replicas, without a
    gradient. It is a non-trainable weight, saved and loaded with all others. It is not
    updated if `trainable` is `False`.

    Reference:
        [Rethinking Feature Reconstruction via Category Prototype in Semantic
        Segmentation](https://doi.org/10.1109/TIP.2025.3534532), IEEE TIP 2025;
        [preprint](https://arxiv.org/abs/2308.05581).

    Args:
        momentum: Float `t` in 0..1, the share of the memory in the blend and of the
            batch in the update, or a schedule over the training steps of this layer.
            The paper's option is
            `keras_seg.optimizers.PolynomialDecay(0.1, steps, 0.009, power=0.9)`. The
            step counter is a weight as well; `layer.step.assign(0)` resets it.
        initial_memory: Array `(K, C)` of initial values, or `None` for random vectors.
            Both are normalised. The array is not part of the config: after `build` it
            is a weight of the layer.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor, the prototypes of each image.
        training: Boolean, or `None`. Whether the memory is updated. The blend is
            computed before the update and is the same in inference.

    Input shape:
        `(B, K, C)`

    Output shape:
        `(B, K, C)`

    Raises:
        ValueError: If `momentum` is out of range, or the shape of the input or of
            `initial_memory` is wrong.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.PrototypeMemory(momentum=0.1)
    prototypes = np.random.normal(size=(2, 7, 32)).astype("float32")
    blended = layer(prototypes, training=True)
    print(blended.shape, layer.memory.shape)  # (2, 7, 32) (7, 32)
    ```
    """

    def __init__(self, momentum=0.1, initial_memory=None, **kwargs) -> None:
        super().__init__(**kwargs)
        if isinstance(momentum, dict):
            momentum = keras.saving.deserialize_keras_object(momentum)
        self.scheduled = callable(momentum)
        if not self.scheduled and not 0 <= momentum <= 1:
            raise ValueError(
                "`momentum` must be between 0 and 1, or a schedule such as "
                f"keras_seg.optimizers.PolynomialDecay. Received: momentum={momentum}."
            )
        self.momentum = momentum
        if initial_memory is not None:
            initial_memory = ops.convert_to_numpy(initial_memory)
        self.initial_memory = initial_memory

    def build(self, input_shape):
        shape = tuple(input_shape[1:])
        if len(input_shape) != 3 or None in shape:
            raise ValueError(
                "PrototypeMemory expects prototypes of shape (B, K, C) with known K "
                f"and C. Received: input_shape={tuple(input_shape)}."
            )
        if self.initial_memory is not None and self.initial_memory.shape != shape:
            raise ValueError(
                f"`initial_memory` has shape {self.initial_memory.shape}, expected "
                f"{shape}: one vector of {shape[1]} channels for each of {shape[0]} "
                "classes."
            )
        self.input_spec = keras.layers.InputSpec(
            ndim=3, axes={-2: shape[0], -1: shape[1]}
        )
        self.memory = self.add_weight(
            name="memory",
            shape=shape,
            initializer=self._initial_value,
            trainable=False,
            autocast=False,  # half precision would lose small steps
        )
        self.step = self.add_weight(
            name="step", shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def _initial_value(self, shape, dtype=None):
        if self.initial_memory is None:
            random = keras.initializers.RandomNormal(stddev=1.0)
            value = random(shape, dtype=dtype)
        else:
            value = ops.convert_to_tensor(self.initial_memory, dtype=dtype)
        return ops.normalize(value, axis=-1, epsilon=EPSILON)

    def call(self, inputs, training=None):
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        prototypes = ops.cast(inputs, dtype)  # (B, K, C)
        # The value, not the variable: JAX cannot trace an update from a variable.
        memory = ops.cast(ops.convert_to_tensor(self.memory), dtype)  # (K, C)
        step, momentum = ops.convert_to_tensor(self.step), self.momentum
        if self.scheduled:
            momentum = ops.cast(momentum(step), dtype)
        outputs = (1 - momentum) * prototypes + momentum * memory  # (B, K, C)
        if training and self.trainable:
            total = ops.stop_gradient(ops.sum(prototypes, axis=0))  # (K, C)
            # A sum and a mean have the same direction.
            mean = ops.normalize(replica_sum(total), axis=-1, epsilon=EPSILON)
            self.memory.assign((1 - momentum) * memory + momentum * mean)
            self.step.assign(step + 1)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "momentum": momentum_config(self.momentum)}


def momentum_config(momentum):
    """A momentum, a number or a schedule, as it stands in a config."""
    if callable(momentum):
        return keras.saving.serialize_keras_object(momentum)
    return momentum
