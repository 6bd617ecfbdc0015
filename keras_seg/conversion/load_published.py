from keras_seg.conversion.load_backbone import backbone_parts
from keras_seg.conversion.published_head import head_targets
from keras_seg.conversion.published_names import published_parts
from keras_seg.conversion.published_weights import load_targets


def load_published(model, arrays) -> None:
    """Loads a published checkpoint of a whole network into a model.

    Names are those of mmsegmentation, `backbone.` and `decode_head.` and what follows,
    with the suffixes of torch or MindSpore. Arrays that only training uses, such as
    the state of an optimizer or an auxiliary head, are ignored. Nothing is assigned
    unless every other array fits.

    Args:
        model: A `keras_seg.ECENet` or `keras_seg.CPT`, whose backbone is a
            `keras_seg.backbones.SwinBackbone` or a ResNet of keras-hub.
        arrays: Dictionary from names to arrays in torch's layout, see
            `read_checkpoint`.

    Raises:
        ValueError: If there are no published weights of such a model, or names are
            missing, unknown, or have arrays that do not fit; all of them are listed.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.SwinBackbone(8, [1, 1], [1, 2], window_size=4)
    model = keras_seg.ECENet(backbone, num_classes=3, hidden_dim=8, num_heads=2)
    try:
        keras_seg.conversion.load_published(model, {"decode_head.strange": 0.0})
    except ValueError as error:
        print(str(error).splitlines()[0])
    ```
    """
    of_backbone, of_head, others = published_parts(arrays)
    problems = [f"unknown: {name}" for name in others]
    targets, given = {}, {}
    for prefix, part in (
        ("backbone", backbone_parts(model.backbone, of_backbone)),
        ("decode_head", (head_targets(model.head), of_head, [])),
    ):
        targets |= {f"{prefix}.{name}": value for name, value in part[0].items()}
        given |= {f"{prefix}.{name}": value for name, value in part[1].items()}
        problems += part[2]
    load_targets(
        f"{type(model).__name__} (num_classes={model.num_classes}, backbone="
        f"{type(model.backbone).__name__})",
        targets,
        given,
        "Take the preset with the configuration of the checkpoint.",
        problems,
    )
