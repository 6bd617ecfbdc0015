"""The models that `keras-seg benchmark` measures."""

import math
import os
import zlib

import keras
import keras_hub
import numpy as np

import keras_seg

# As the presets of CamVid.
NUM_CLASSES = 11


def size_for(name, height, width):
    """The nearest size that a model takes, `(height, width)`.

    keras-hub's SegFormer takes squares only, its DeepLabV3+ multiples of 32.
    """
    if name == "segformer_b0":
        side = max(1, round((height * width) ** 0.5 / 32)) * 32
        return side, side
    if name == "deeplab_v3_plus":
        return tuple(max(1, round(n / 32)) * 32 for n in (height, width))
    return height, width


def build_model(name, size):
    """A compiled model from images in 0..255 to logits.

    Args:
        name: String. `"segformer_b0"`, `"deeplab_v3_plus"`, or a preset.
        size: Pair `(height, width)`, as `size_for` returned it.

    Example:

    ```python
    from keras_seg_cli.benchmark_models import size_for

    print(size_for("segformer_b0", 360, 480))  # (416, 416)
    ```
    """
    if name in PEERS:
        model = peer(name, NUM_CLASSES, size)
    else:
        known = name in keras_seg.presets.list_presets() or os.path.isdir(name)
        model = keras_seg.models.load_model(name, load_weights=known)
        model.long_side = None  # measured at the given size
        if known:
            return model
    set_same_weights(model)
    return model


def set_same_weights(model):
    """Sets random kernels that are the same on every backend."""
    for weight in model.weights:
        if len(weight.shape) > 1:
            rng = np.random.default_rng(zlib.crc32(weight.path.encode()))
            scale = math.sqrt(2 / max(1, math.prod(weight.shape[:-1])))
            weight.assign(scale * rng.normal(size=weight.shape))


def peer(name, num_classes, size):
    """A model of keras-hub with random weights for the task of ours."""
    build = PEERS[name]
    segmenter = build(num_classes, size)
    # The same task as ours have: images in 0..255, a void class, mean IoU.
    images = keras.Input(segmenter.input.shape[1:])
    outputs = segmenter(keras.layers.Rescaling(1 / 127.5, offset=-1.0)(images))
    model = keras.Model(images, outputs)
    model.compile(
        keras.optimizers.AdamW(6e-5, weight_decay=0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255),
        metrics=[keras_seg.metrics.MeanIoU(num_classes)],
    )
    model.num_classes, model.ignore_class = num_classes, 255
    return model


def _segformer_b0(num_classes, size):
    hub = keras_hub.models
    encoder = hub.MiTBackbone(
        image_shape=(*size, 3),
        num_layers=4,
        hidden_dims=[32, 64, 160, 256],
        layerwise_depths=[2, 2, 2, 2],
        layerwise_num_heads=[1, 2, 5, 8],
        layerwise_sr_ratios=[8, 4, 2, 1],
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        max_drop_path_rate=0.1,
    )
    backbone = hub.SegFormerBackbone(encoder, projection_filters=256)
    return hub.SegFormerImageSegmenter(backbone, num_classes)


def _deeplab_v3_plus(num_classes, size):
    hub = keras_hub.models
    encoder = hub.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[3, 4, 6, 3],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="bottleneck_block",
    )
    backbone = hub.DeepLabV3Backbone(
        encoder,
        projection_filters=48,
        low_level_feature_key="P2",
        spatial_pyramid_pooling_key="P5",
        upsampling_size=8,
        dilation_rates=[6, 12, 18],
    )
    return hub.DeepLabV3ImageSegmenter(backbone, num_classes)


PEERS = {"segformer_b0": _segformer_b0, "deeplab_v3_plus": _deeplab_v3_plus}
