import keras_hub

from keras_seg.backbones.dilated_resnet_backbone import DilatedResNetBackbone
from keras_seg.backbones.espnetv2_backbone import ESPNetV2Backbone
from keras_seg.backbones.swin.swin_backbone import SwinBackbone
from keras_seg.conversion.espnetv2_backbone import espnetv2_arrays, espnetv2_targets
from keras_seg.conversion.published_names import plain_arrays
from keras_seg.conversion.published_weights import load_targets
from keras_seg.conversion.resnet_backbone import resnet_targets
from keras_seg.conversion.swin_backbone import swin_arrays, swin_targets

RESNETS = (keras_hub.models.ResNetBackbone, DilatedResNetBackbone)


def load_backbone(backbone, arrays) -> None:
    """Loads the published weights of a backbone.

    Nothing is assigned unless every array fits.

    Args:
        backbone: A `keras_seg.backbones.ESPNetV2Backbone` or `SwinBackbone`, or a
            ResNet of keras-hub.
        arrays: Dictionary from names to arrays in torch's layout, see
            `read_checkpoint`. Of ESPNetv2 the segmenter of the authors (EdgeNets), or
            without a decoder also the classifier; other parts are left out. Of the
            others the backbone alone, with the names of mmsegmentation or
            torchvision, without the prefix `backbone.`.

    Raises:
        ValueError: If the weights of such a backbone cannot be converted, or names are
            missing, unknown, or have arrays that do not fit; all of them are listed.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.ESPNetV2Backbone([16, 32, 48, 64], [1, 1])
    try:
        keras_seg.conversion.load_backbone(backbone, {"level1.strange": 0.0})
    except ValueError as error:
        print(str(error).splitlines()[-1])  # unknown: level1.strange
    ```
    """
    targets, given, problems = backbone_parts(backbone, plain_arrays(arrays))
    load_targets(
        type(backbone).__name__,
        targets,
        given,
        "Make the backbone with the configuration of the checkpoint.",
        problems,
    )


def backbone_parts(backbone, arrays):
    """Variables by name, arrays by name, and problems of the arrays left out."""
    if isinstance(backbone, ESPNetV2Backbone):
        return espnetv2_targets(backbone), espnetv2_arrays(backbone, arrays), []
    if isinstance(backbone, SwinBackbone):
        return (swin_targets(backbone, arrays), *swin_arrays(backbone, arrays))
    if isinstance(backbone, RESNETS):
        return resnet_targets(backbone), arrays, []
    raise ValueError(
        f"Published weights of the backbone {type(backbone).__name__} cannot be "
        "converted. ESPNetV2Backbone, SwinBackbone and the ResNets of keras-hub can be."
    )
