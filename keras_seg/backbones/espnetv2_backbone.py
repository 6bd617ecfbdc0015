import keras
import keras_hub

from keras_seg.backbones.default_dtype_policy import default_dtype_policy
from keras_seg.backbones.imagenet import ImageNetScaling
from keras_seg.layers.grouped_dense import GroupedDense

NUM_BRANCHES = 4  # of a unit, each with its own dilation
IMAGE_CHANNELS = 3
# Dilations of the branches of a unit that reduces the resolution to P2, P3, P4, and of
# the other units of P3 and P4. With many of these units the largest is left out.
DOWN_DILATIONS = (1, 2, 3, 4)
UNIT_DILATIONS = {3: (1, 2, 3, 4), 4: (1, 1, 2, 3)}


@keras.saving.register_keras_serializable(package="keras_seg")
class ESPNetV2Backbone(ImageNetScaling, keras_hub.models.FeaturePyramidBackbone):
    """ESPNetv2: a light network of dilated depthwise convolutions, up to stride 16.

    A unit reduces the channels, convolves them with four dilations, sums the results
    from the least dilation to the largest, and joins them with grouped 1x1
    convolutions. A unit that reduces the resolution also adds a small view of the
    image. This is the part of the network that the authors use for segmentation, with
    their weights (`keras_seg.conversion.load_backbone`); the last stage, of stride 32,
    only serves classification.

    Reference:
        [ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional
        Neural Network](https://arxiv.org/abs/1811.11431), CVPR 2019.

    Args:
        stackwise_num_filters: Sequence of four integers, the channels of `P1` ...
            `P4`: multiples of 16 that increase. The default is the authors' largest
            network.
        stackwise_num_blocks: Pair of integers. Numbers of units of `P3` and `P4` after
            the one that reduces the resolution.
        image_shape: Tuple `(height, width, 3)`; by default any height and width.
        dtype: See `keras_hub.models.Backbone`.
        name: See `keras_hub.models.Backbone`.
        trainable: See `keras_hub.models.Backbone`.

    Input shape:
        `(B, H, W, 3)`, standardized with the mean and standard deviation of ImageNet,
        see `image_scaling`. A `Segmenter` does that.

    Output shape:
        The last level; `pyramid_outputs` has all, `Pn` of the shape
        `(B, ceil(H / 2^n), ceil(W / 2^n), C)`, from `P1` to `P4`.

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
        image_shape=(None, None, 3),
        dtype=None,
        name=None,
        trainable=True,
    ) -> None:
        filters = [int(n) for n in stackwise_num_filters]
        blocks = [int(n) for n in stackwise_num_blocks]
        _check(filters, blocks)

        # === Functional Model ===
        with default_dtype_policy(dtype):
            images = keras.Input(image_shape, name="images")
            x = _pad(images, "stem")
            x = _convolution(x, filters[0], "stem", strides=2, padding="valid")
            x = _activation(_norm(x, "stem"), "stem")  # (B, H/2, W/2, C_1)
            pyramid, view = {"P1": x}, _halved(images, "image_1")
            widths, units = filters[1:], [0, *blocks]
            for level, width, count in zip((2, 3, 4), widths, units, strict=True):
                view = _halved(view, f"image_{level}")  # (B, H/2^n, W/2^n, 3)
                x = _down(x, view, width, f"down_{level}")
                for i in range(count):
                    x = _unit(x, UNIT_DILATIONS[level], f"unit_{level}_{i}")
                pyramid[f"P{level}"] = x
        super().__init__(
            inputs=images, outputs=x, dtype=dtype, name=name, trainable=trainable
        )
        self.pyramid_outputs = pyramid

        # === Config ===
        self.stackwise_num_filters = filters
        self.stackwise_num_blocks = blocks
        self.image_shape = tuple(image_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "stackwise_num_filters": self.stackwise_num_filters,
            "stackwise_num_blocks": self.stackwise_num_blocks,
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


def _down(x, view, channels, name):
    """Halves the resolution: a pooled map beside new channels, plus the small view."""
    pooled = _halved(x, f"{name}_pool")  # (B, H, W, C_before)
    new = _branches(x, channels - x.shape[-1], DOWN_DILATIONS, name, strides=2)
    x = keras.layers.Concatenate(name=f"{name}_join")([pooled, new])  # (B, H, W, C)
    view = _convolution(view, IMAGE_CHANNELS, f"{name}_image")
    view = _activation(_norm(view, f"{name}_image"), f"{name}_image")
    view = _convolution(view, channels, f"{name}_image_expand", kernel_size=1)
    view = _norm(view, f"{name}_image_expand")  # (B, H, W, C)
    return _activation(keras.layers.Add(name=f"{name}_add")([x, view]), name)


def _unit(x, dilations, name):
    """A unit that keeps the resolution, with a residual connection."""
    new = _branches(x, x.shape[-1], dilations, name)
    return _activation(keras.layers.Add(name=f"{name}_add")([new, x]), name)


def _branches(x, channels, dilations, name, strides=1):
    """Reduces, convolves with several dilations, sums hierarchically, and joins."""
    x = GroupedDense(channels // NUM_BRANCHES, NUM_BRANCHES, name=f"{name}_reduce")(x)
    x = _activation(_norm(x, f"{name}_reduce"), f"{name}_reduce")  # (B, H, W, C/4)
    maps = []
    for i, dilation in enumerate(dilations):
        y = keras.layers.DepthwiseConv2D(
            3,
            dilation_rate=dilation,
            padding="same",
            use_bias=False,
            name=f"{name}_branch_{i}",
        )(x)
        if strides > 1:  # Keras has no strides beside dilation
            y = keras.layers.AveragePooling2D(
                1, strides=strides, name=f"{name}_branch_{i}_every_{strides}"
            )(y)
        if maps:
            y = keras.layers.Add(name=f"{name}_sum_{i}")([y, maps[-1]])
        maps.append(y)
    x = keras.layers.Concatenate(name=f"{name}_branches")(maps)  # (B, H, W, C)
    x = _activation(_norm(x, f"{name}_branches"), f"{name}_branches")
    x = GroupedDense(channels, NUM_BRANCHES, name=f"{name}_expand")(x)
    return _norm(x, f"{name}_expand")


def _halved(x, name):
    """Mean of 3 x 3 pixels at every second one; zeros outside count, as published."""
    return keras.layers.AveragePooling2D(3, strides=2, name=name)(_pad(x, name))


def _pad(x, name):
    # Padding "same" with strides would pad even sizes only below and on the right.
    return keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)


def _convolution(x, filters, name, kernel_size=3, strides=1, padding="same"):
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        name=f"{name}_conv",
    )(x)


def _norm(x, name):
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}_norm"
    )(x)


def _activation(x, name):
    return keras.layers.PReLU(
        alpha_initializer=keras.initializers.Constant(0.25),
        shared_axes=[1, 2],
        name=f"{name}_activation",
    )(x)
