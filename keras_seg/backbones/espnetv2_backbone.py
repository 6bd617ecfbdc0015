import keras
import keras_hub

from keras_seg.backbones.default_dtype_policy import default_dtype_policy
from keras_seg.backbones.espnetv2_decoder import decode
from keras_seg.backbones.espnetv2_units import (
    NUM_BRANCHES,
    UNIT_DILATIONS,
    activation,
    convolution,
    down,
    halved,
    norm,
    pad,
    unit,
)
from keras_seg.backbones.imagenet import ImageNetScaling


@keras.saving.register_keras_serializable(package="keras_seg")
class ESPNetV2Backbone(ImageNetScaling, keras_hub.models.FeaturePyramidBackbone):
    """ESPNetv2: a light network of dilated depthwise convolutions, up to stride 16.

    A unit reduces the channels, convolves them with four dilations, sums the results
    from the least dilation to the largest, and joins them with grouped 1x1
    convolutions. A unit that reduces the resolution also adds a small view of the
    image. This is the part of the network that the authors use for segmentation, with
    their weights (`keras_seg.conversion.load_backbone`); the last stage, of stride 32,
    only serves classification.

    With `decoder_filters`, the authors' decoder for segmentation follows, up to stride
    4, so that it can keep what it was trained for. Each level then has the channels of
    the decoder beside those of the encoder (ours); the decoder's last step, from stride
    4 to the classes at stride 2, is left out (ours).

    Reference:
        [ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional
        Neural Network](https://arxiv.org/abs/1811.11431), CVPR 2019.

    Args:
        stackwise_num_filters: Sequence of four integers, the channels of `P1` ...
            `P4`: multiples of 16 that increase. The default is the authors' largest
            network.
        stackwise_num_blocks: Pair of integers. Numbers of units of `P3` and `P4` after
            the one that reduces the resolution.
        decoder_filters: Sequence of three integers, the channels of the decoder at
            `P4`, `P3` and `P2`, of the authors `(64, 48, 32)`; `None` for no decoder.
        decoder_projection_dim: Integer. Channels in which the decoder looks at five
            scales; the authors' decoder for Cityscapes has 10.
        image_shape: Tuple `(height, width, 3)`; by default any height and width.
        dtype: See `keras_hub.models.Backbone`.
        name: See `keras_hub.models.Backbone`.
        trainable: See `keras_hub.models.Backbone`.

    Input shape:
        `(B, H, W, 3)`, standardized with the mean and standard deviation of ImageNet,
        see `image_scaling`. A `Segmenter` does that.

    Output shape:
        The level at which the network ends, `P4` or with a decoder `P2`;
        `pyramid_outputs` has all, `Pn` of the shape
        `(B, ceil(H / 2^n), ceil(W / 2^n), C)`, from `P1` to `P4`; `encoder_outputs`
        has them without the decoder.

    Raises:
        ValueError: If the numbers of channels do not fit.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.ESPNetV2Backbone([16, 32, 48, 64], [1, 1])
    print({k: v.shape[-1] for k, v in backbone.pyramid_outputs.items()})
    ```
    """

    def __init__(
        self,
        stackwise_num_filters=(32, 128, 256, 512),
        stackwise_num_blocks=(3, 7),
        decoder_filters=None,
        decoder_projection_dim=10,
        image_shape=(None, None, 3),
        dtype=None,
        name=None,
        trainable=True,
    ) -> None:
        filters = [int(n) for n in stackwise_num_filters]
        blocks = [int(n) for n in stackwise_num_blocks]
        _check(filters, blocks)
        if decoder_filters is not None:
            decoder_filters = [int(n) for n in decoder_filters]
            _check_decoder(decoder_filters, decoder_projection_dim)

        # === Functional Model ===
        with default_dtype_policy(dtype):
            images = keras.Input(image_shape, name="images")
            x = pad(images, "stem")
            x = convolution(x, filters[0], "stem", strides=2, padding="valid")
            x = activation(norm(x, "stem"), "stem")  # (B, H/2, W/2, C_1)
            pyramid, view = {"P1": x}, halved(images, "image_1")
            widths, units = filters[1:], [0, *blocks]
            for level, width, count in zip((2, 3, 4), widths, units, strict=True):
                view = halved(view, f"image_{level}")  # (B, H/2^n, W/2^n, 3)
                x = down(x, view, width, f"down_{level}")
                for i in range(count):
                    x = unit(x, UNIT_DILATIONS[level], f"unit_{level}_{i}")
                pyramid[f"P{level}"] = x
            encoder_outputs = dict(pyramid)
            if decoder_filters is not None:
                decoded = decode(pyramid, decoder_filters, decoder_projection_dim)
                for level, y in decoded.items():
                    join = keras.layers.Concatenate(name=f"decoded_{level}")
                    pyramid[level] = join([y, pyramid[level]])
                x = pyramid["P2"]  # which all layers lead to
        super().__init__(
            inputs=images, outputs=x, dtype=dtype, name=name, trainable=trainable
        )
        self.pyramid_outputs, self.encoder_outputs = pyramid, encoder_outputs

        # === Config ===
        self.stackwise_num_filters = filters
        self.stackwise_num_blocks = blocks
        self.decoder_filters = decoder_filters
        self.decoder_projection_dim = decoder_projection_dim
        self.image_shape = tuple(image_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "stackwise_num_filters": self.stackwise_num_filters,
            "stackwise_num_blocks": self.stackwise_num_blocks,
            "decoder_filters": self.decoder_filters,
            "decoder_projection_dim": self.decoder_projection_dim,
            "image_shape": self.image_shape,
        }


def _check(filters, blocks):
    if len(filters) != 4 or len(blocks) != 2:
        raise ValueError(
            "`stackwise_num_filters` must have 4 and `stackwise_num_blocks` 2 integers."
            f" Received: {filters} and {blocks}."
        )
    multiple = NUM_BRANCHES**2  # for groups within a branch
    increase = 0 < filters[0] and sorted(set(filters)) == filters
    if not increase or any(n % multiple for n in filters):
        raise ValueError(
            f"`stackwise_num_filters` must increase, in multiples of {multiple}. "
            f"Received: stackwise_num_filters={filters}."
        )


def _check_decoder(filters, projection_dim):
    if len(filters) != 3 or any(n < 1 for n in (*filters, projection_dim)):
        raise ValueError(
            "`decoder_filters` must have 3 positive integers and "
            "`decoder_projection_dim` be one. Received: "
            f"decoder_filters={filters}, decoder_projection_dim={projection_dim}."
        )
