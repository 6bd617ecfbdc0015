import numpy as np

from keras_seg.data.component_labels import connected_components
from keras_seg.inference.regions import region_ids
from keras_seg.metrics.region_diversity import RegionDiversity
from keras_seg.metrics.region_semantics import RegionSemantics


def region_report(model, source, max_components=256) -> dict:
    """Measures the semantics and the diversity of the latent regions of a model.

    Args:
        model: A model with `has_regions`, such as `keras_seg.SGR`.
        source: Sequence of `(image, label)`, such as `keras_seg.data.CamVid`.
        max_components: Integer. Maximum number of components per image. As in the
            region loss, components of fewer than `model.min_component_area` pixels are
            ignored.

    Returns:
        Dictionary of floats: `class_semantics`, `class_diversity`,
        `instance_semantics`, `instance_diversity`. Connected components of the labels
        are used as instances.

    Raises:
        ValueError: If the model has no regions.

    Example:

    ```python
    import numpy as np
    import keras_seg

    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    model = keras_seg.SGR(backbone, 3, hidden_dim=8, reasoner={"num_regions": 4})
    source = [(np.zeros((40, 60, 3), "uint8"), np.zeros((40, 60), "int32"))]
    print(keras_seg.inference.region_report(model, source)["class_diversity"])  # 1.0
    ```
    """
    void, classes = model.ignore_class, model.num_classes
    metrics = {}
    for level, labels, ignored in (
        ("class", classes, void),
        ("instance", max_components + 1, 0),
    ):
        regions = model.head.reasoner.num_regions if model.has_regions else 1
        metrics[f"{level}_semantics"] = RegionSemantics(labels, regions, ignored)
        metrics[f"{level}_diversity"] = RegionDiversity(labels, regions, ignored)
    for i in range(len(source)):
        image, label = source[i]
        ids = region_ids(model, image)[None]
        parts = connected_components(
            label, void, max_components, model.min_component_area
        )
        for name, metric in metrics.items():
            truth = np.asarray(label) if name.startswith("class") else parts
            metric.update_state(truth[None].astype("int32"), ids)
    return {name: float(metric.result()) for name, metric in metrics.items()}
