"""Files of a model for other runtimes."""

from keras_seg.export.export_model import export_model

__all__ = ["export_model"]
