import keras
import keras_hub

from keras_seg.backbones.dilation import dilated_copy, layer_strides
from keras_seg.keras_internals.layer_graph import source_layer


@keras.saving.register_keras_serializable(package="keras_seg")
class DilatedResNetBackbone(keras_hub.models.FeaturePyramidBackbone):
    """keras-hub's ResNet with dilation: the backbone of DeepLabV3.

    From `output_stride` on, strides are 1 and kernels are dilated. The weights are
    those of the network without dilation.

    Reference:
        [Rethinking Atrous Convolution for Semantic Image
        Segmentation](https://arxiv.org/abs/1706.05587).

    Args:
        output_stride: Integer, 8 or 16.
        dtype: See `keras_hub.models.Backbone`.
        name: See `keras_hub.models.Backbone`.
        trainable: See `keras_hub.models.Backbone`.
        **kwargs: Arguments of `keras_hub.models.ResNetBackbone`.

    Input shape:
        `(B, H, W, 3)` of any size, scaled as for `keras_hub.models.ResNetBackbone`.

    Output shape:
        The last level, `(B, H / output_stride, W / output_stride, C)`;
        `pyramid_outputs` has one level for each stride.

    Raises:
        ValueError: If `output_stride` is neither 8 nor 16.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.DilatedResNetBackbone(
        output_stride=8,
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 8, 8],
        stackwise_num_blocks=[1, 1, 1],
        stackwise_num_strides=[1, 2, 2],
        block_type="basic_block",
    )
    print(backbone.compute_output_shape((1, 64, 64, 3)))  # (1, 8, 8, 8)
    ```
    """

    def __init__(
        self, output_stride=16, dtype=None, name=None, trainable=True, **kwargs
    ) -> None:
        if output_stride not in (8, 16):
            raise ValueError(
                "`output_stride` must be 8 or 16. Received: "
                f"output_stride={output_stride}."
            )

        # === Layers ===
        plain = keras_hub.models.ResNetBackbone(dtype=dtype, **kwargs)
        dilated = dilated_copy(plain, layer_strides(plain), output_stride)
        strides = layer_strides(dilated)
        pyramid = {}
        for output in plain.pyramid_outputs.values():  # keeps the last of each stride
            layer = source_layer(output).name
            level = f"P{strides[layer].bit_length() - 1}"
            pyramid[level] = dilated.get_layer(layer).output

        # === Functional Model ===
        super().__init__(
            inputs=dilated.input,
            outputs=dilated.output,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        self.pyramid_outputs = pyramid

        # === Config ===
        self.output_stride = output_stride
        self.resnet_kwargs = kwargs

    def get_config(self):
        return {
            **super().get_config(),
            "output_stride": self.output_stride,
            **self.resnet_kwargs,
        }
