"""The models that `step_and_segment.py` compares, without weights."""

import keras
import keras_hub

import keras_seg

PYRAMID = {
    "P2": "block_3_expand_relu",
    "P3": "block_6_expand_relu",
    "P4": "block_13_expand_relu",
    "P5": "block_16_project_BN",
}
DILATED = {"pyramid_layers": {"P4": "block_16_project_BN"}, "output_stride": 16}
OURS = {
    "ECENet": {"model": keras_seg.ECENet, "backbone": {"pyramid_layers": PYRAMID}},
    "CPT": {"model": keras_seg.CPT, "backbone": {"pyramid_layers": PYRAMID}},
    "SGR": {"model": keras_seg.SGR, "backbone": DILATED},
}


def size_for(name, height, width):
    """The nearest size that a model takes, `(height, width)`.

    keras-hub's SegFormer takes squares only, its DeepLabV3+ multiples of 32.
    """
    if name.startswith("SegFormer"):
        side = max(1, round((height * width) ** 0.5 / 32)) * 32
        return side, side
    if name.startswith("DeepLab"):
        return tuple(max(1, round(n / 32)) * 32 for n in (height, width))
    return height, width


def build_model(name, num_classes, size):
    """A compiled model from images in 0..255 to logits."""
    if "/" in name:
        return keras_seg.models.load_model(name, load_weights=False)
    family = name.split(",")[0]
    if family in OURS:
        # As examples/train.py builds it.
        backbone = keras_seg.backbones.ApplicationsBackbone(
            "MobileNetV2", **OURS[family]["backbone"]
        )
        return OURS[family]["model"](
            backbone,
            num_classes,
            hidden_dim=64,
            input_scale=float(name.split()[-1]),
            freeze_backbone_norm=True,
        )
    hub = keras_hub.models
    if name.startswith("SegFormer"):
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
        segmenter = hub.SegFormerImageSegmenter(backbone, num_classes)
    else:
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
        segmenter = hub.DeepLabV3ImageSegmenter(backbone, num_classes)
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
