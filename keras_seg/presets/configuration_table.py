"""The configurations of the papers, as tables. `paper_presets` combines them.

The name of a preset consists of data, backbone and crop: `ade20k_swin_base_640`.
PUBLISHED lists the configurations that the authors published. The others take backbone,
crop and test from the most similar of these.
"""

# "colours" is a module of keras_seg.data.sources and a dictionary in it, by class name.
DATA_SETS = {
    "ade20k": {
        "title": "ADE20K",
        "num_classes": 150,
        "colours": ("ade20k", "ADE20K_COLOURS"),
    },
    "pascal_context": {
        "title": "PASCAL-Context",
        "num_classes": 59,
        "colours": ("pascal_context", "PASCAL_CONTEXT_COLOURS"),
    },
    "cityscapes": {
        "title": "Cityscapes",
        "num_classes": 19,
        "colours": ("cityscapes", "CITYSCAPES_COLOURS"),
    },
    "coco_stuff_10k": {
        "title": "COCO-Stuff-10K",
        "num_classes": 171,
        "colours": ("coco_stuff", "COCO_STUFF_COLOURS"),
    },
}

_SWIN = {"window_size": 12, "drop_path": 0.3, "depths": [2, 2, 18, 2]}
_RESNET = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 128, 256, 512],
    "stackwise_num_strides": [1, 2, 2, 2],
    "block_type": "bottleneck_block",
}
_RESNET_101 = {**_RESNET, "stackwise_num_blocks": [3, 4, 23, 3]}

# "class" is the registered name in Keras; "pretrained" names weights of keras-hub.
BACKBONES = {
    "swin_base": {
        "title": "Swin-B",
        "class": "keras_seg>SwinBackbone",
        "config": {**_SWIN, "embed_dim": 128, "num_heads": [4, 8, 16, 32]},
        "pretrained": "swin_base_patch4_window12_384",
    },
    "swin_large": {
        "title": "Swin-L",
        "class": "keras_seg>SwinBackbone",
        "config": {**_SWIN, "embed_dim": 192, "num_heads": [6, 12, 24, 48]},
        "pretrained": "swin_large_patch4_window12_384",
    },
    "resnet_50": {
        "title": "ResNet-50",
        "class": "keras_hub>ResNetBackbone",
        "config": {**_RESNET, "stackwise_num_blocks": [3, 4, 6, 3]},
        "pretrained": "resnet_50_imagenet",
    },
    "resnet_101": {
        "title": "ResNet-101",
        "class": "keras_hub>ResNetBackbone",
        "config": _RESNET_101,
        "pretrained": "resnet_101_imagenet",
    },
    "resnet_101_d8": {
        "title": "ResNet-101, dilated to stride 8",
        "class": "keras_seg>DilatedResNetBackbone",
        "config": {**_RESNET_101, "output_stride": 8},
        "pretrained": "resnet_101_imagenet",
    },
    "mit_b2": {
        "title": "MiT-B2",
        "class": "keras_seg>MiTBackbone",
        "config": {
            "layerwise_depths": [3, 4, 6, 3],
            "num_layers": 4,
            "layerwise_num_heads": [1, 2, 5, 8],
            "layerwise_sr_ratios": [8, 4, 2, 1],
            "max_drop_path_rate": 0.1,
            "layerwise_patch_sizes": [7, 3, 3, 3],
            "layerwise_strides": [4, 2, 2, 2],
            "hidden_dims": [64, 128, 320, 512],
        },
        "pretrained": "mit_b2_ade20k_512",
    },
}

# Side of the crop; stride of the sliding window in the test, or None for the whole
# image at once; and the longest long and short side to which the image is resized
# first, or None for its own size. By data set and, where it differs, by backbone. The
# sides are the customary ones of these data sets.
TESTS = {
    "ade20k": {
        "swin": (640, 608, [2560, 640]),
        "": (512, None, [2048, 512]),
    },
    "pascal_context": {"": (480, 320, [520, 520])},
    "cityscapes": {"": (1024, 768, None)},
    "coco_stuff_10k": {"": (512, None, [2048, 512])},
}

# Of each model: arguments beside the number of classes, backbones and data sets. The
# published code of ECENet has an activation that its training code lacks.
MODELS = {
    "ECENet": {
        "arguments": {"hidden_dim": 256, "query_activation": "relu"},
        "backbones": ["swin_base", "swin_large", "resnet_50", "resnet_101", "mit_b2"],
        "data_sets": list(DATA_SETS),
    },
    "CPT": {
        "arguments": {"hidden_dim": 256},
        "backbones": ["swin_base", "swin_large", "resnet_50", "resnet_101", "mit_b2"],
        "data_sets": list(DATA_SETS),
    },
    "SGR": {
        "arguments": {"hidden_dim": 256},
        "backbones": ["resnet_101_d8"],
        "data_sets": ["ade20k", "cityscapes", "coco_stuff_10k"],
    },
}

PUBLISHED = (
    "ecenet/ade20k_swin_base_640",
    "cpt/cityscapes_swin_large_1024",
    "cpt/ade20k_resnet_101_512",
    "cpt/coco_stuff_10k_resnet_101_512",
    "cpt/pascal_context_resnet_101_480",
)

# Millions of parameters that papers give, of the head only.
PUBLISHED_HEAD_PARAMETERS = {
    "ecenet/ade20k_swin_base_640": 9.89,
    "cpt/ade20k_swin_large_640": 7.6,
}

# From full names to handles of keras-hub, once weights are on a hub.
HANDLES = {}
