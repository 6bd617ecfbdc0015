import math

import keras
from keras import ops

from keras_seg.layers.composite_layer import (
    CompositeLayer,
    check_feature_map,
    check_positive,
)
from keras_seg.layers.grouped_dense import GroupedDense
from keras_seg.layers.valid_region import mask_padding


@keras.saving.register_keras_serializable(package="keras_seg")
class CategoryPrototypes(CompositeLayer):
    """Averages the features of each category into one vector, its prototype.

    A mask is predicted for each category. Its softmax over the positions gives the
    weights of the mean. A category that is not in the image has a prototype as well:
    the mean of the positions that resemble it most.

    Reference:
        [Rethinking Feature Reconstruction via Category Prototype in Semantic
        Segmentation](https://doi.org/10.1109/TIP.2025.3534532), IEEE TIP 2025;
        [preprint](https://arxiv.org/abs/2308.05581).

    Args:
        num_classes: Integer. Number of categories `K`.
        groups: Integer. Number of groups of channels that are projected separately.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(B, H, W, C)`; `groups` divides `C`.

    Output shape:
        The prototypes `(B, K, C)` and the mask logits `(B, H, W, K)`.

    Raises:
        ValueError: If the input is not of rank 4, or `groups` does not divide `C`.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.CategoryPrototypes(num_classes=7)
    features = np.random.normal(size=(2, 6, 8, 32)).astype("float32")
    prototypes, masks = layer(features)
    print(prototypes.shape, masks.shape)  # (2, 7, 32) (2, 6, 8, 7)
    ```
    """

    def __init__(self, num_classes, groups=4, **kwargs) -> None:
        super().__init__(**kwargs)
        check_positive(num_classes=num_classes)
        self.num_classes = num_classes
        self.groups = groups

    def build(self, input_shape):
        channels = check_feature_map(self, input_shape)
        kwargs = {"dtype": self.dtype_policy}
        for layer in (
            GroupedDense(channels, self.groups, name="mask_projection", **kwargs),
            keras.layers.Conv2D(
                self.num_classes, 1, use_bias=False, name="mask_classifier", **kwargs
            ),
            GroupedDense(channels, self.groups, name="alignment", **kwargs),
        ):
            self.add_sublayer(layer, input_shape)

    def call(self, inputs):
        shape, channels = ops.shape(inputs), inputs.shape[-1]
        positions = shape[1] * shape[2]
        # Half precision is too inexact for the sum of small shares over positions.
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        masks = self.mask_classifier(self.mask_projection(inputs))  # (B, H, W, K)
        share = mask_padding(ops.cast(masks, dtype), -math.inf)
        share = ops.reshape(share, (-1, positions, self.num_classes))  # (B, HW, K)
        share = ops.softmax(share, axis=1)
        aligned = mask_padding(ops.cast(self.alignment(inputs), dtype))
        aligned = ops.reshape(aligned, (-1, positions, channels))  # (B, HW, C)
        prototypes = ops.einsum("bpk,bpc->bkc", share, aligned)  # (B, K, C)
        return ops.cast(prototypes, self.compute_dtype), masks

    def compute_output_shape(self, input_shape):
        prototypes_shape = (input_shape[0], self.num_classes, input_shape[-1])
        return prototypes_shape, (*input_shape[:-1], self.num_classes)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "groups": self.groups,
        }
