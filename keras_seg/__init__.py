"""Semantic segmentation with explicit class representations, in Keras 3."""

import keras_seg.require_backend  # noqa: F401
from keras_seg import (
    backbones,
    conversion,
    data,
    export,
    inference,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    presets,
    runtime,
    training,
    visualization,
)
from keras_seg.former_names import register_former_names
from keras_seg.models import CPT, SGR, ECENet
from keras_seg.models.hub_segmenters import register_hub_segmenters
from keras_seg.version import __version__

__all__ = [
    "CPT",
    "ECENet",
    "SGR",
    "__version__",
    "backbones",
    "conversion",
    "data",
    "export",
    "inference",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "presets",
    "runtime",
    "training",
    "visualization",
]

register_former_names()
register_hub_segmenters()
