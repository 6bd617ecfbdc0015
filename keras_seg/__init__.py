"""Semantic segmentation with explicit class representations, in Keras 3."""

import importlib

__version__ = "0.1.0"

# Imported at first use, so that `keras-seg --help` does not wait for Keras and the
# command line can still choose the backend.
_HOMES = {
    "CPT": "keras_seg.models.cpt",
    "ECENet": "keras_seg.models.ecenet",
    "SGR": "keras_seg.models.sgr",
    "backbones": "keras_seg",
    "conversion": "keras_seg",
    "data": "keras_seg",
    "inference": "keras_seg",
    "layers": "keras_seg",
    "losses": "keras_seg",
    "metrics": "keras_seg",
    "models": "keras_seg",
    "optimizers": "keras_seg",
    "presets": "keras_seg",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'keras_seg' has no attribute '{name}'")
    if home == "keras_seg":
        return importlib.import_module(f"keras_seg.{name}")
    return getattr(importlib.import_module(home), name)


def __dir__():
    return sorted({*globals(), *__all__})
