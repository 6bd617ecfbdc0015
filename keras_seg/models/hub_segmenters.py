"""Lets `keras_hub.models.ImageSegmenter.from_preset` load the models of this package.

keras-hub reads the class of the backbone in `config.json` and looks for a registered
`ImageSegmenter` with this `backbone_cls`. Then it makes the class that `task.json`
names, if that is a subclass of the one it has found. Our models take any backbone, so
none of them can have a `backbone_cls`. Instead there is one class for each of our
backbones, of which all our models count as subclasses.

Backbones of keras-hub have no such class: `ImageSegmenter.presets` would then list the
presets of all these backbones, as if they were segmenters.
"""

import keras
import keras_hub

from keras_seg import backbones
from keras_seg.models.segmenter import Segmenter


class _AnySegmenter(type(keras_hub.models.ImageSegmenter)):
    """The class of classes of which each `Segmenter` is a subclass."""

    def __subclasscheck__(cls, subclass):
        return type.__subclasscheck__(Segmenter, subclass)


def register_hub_segmenters():
    """Registers a class for each backbone of this package, to be found by keras-hub.

    Example:

    ```python
    import tempfile
    import keras_hub
    import keras_seg

    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    model = keras_seg.ECENet(backbone, num_classes=3, hidden_dim=8)
    with tempfile.TemporaryDirectory() as folder:
        model.save_to_preset(folder)
        copy = keras_hub.models.ImageSegmenter.from_preset(folder)
    print(type(copy).__name__)  # ECENet
    ```
    """
    for name in backbones.__all__:
        backbone = getattr(backbones, name)
        if isinstance(backbone, type) and issubclass(
            backbone, keras_hub.models.Backbone
        ):
            members = {"__init__": _refuse, "backbone_cls": backbone}
            bases = (keras_hub.models.ImageSegmenter,)
            made = _AnySegmenter(f"{name}Segmenter", bases, members)
            keras.saving.register_keras_serializable("keras_seg")(made)


def _refuse(self, *args, **kwargs):
    # keras-hub makes the class itself only if there is no `task.json` of a segmenter.
    raise ValueError(
        f"The preset holds a {self.backbone_cls.__name__}, and no model that segments. "
        "Give it a head: keras_seg.ECENet.from_preset(preset, num_classes=...), or "
        "CPT or SGR."
    )
