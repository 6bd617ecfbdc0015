"""Reads and pairs image and mask files."""

from keras_seg.data.files.as_rgb import as_rgb
from keras_seg.data.files.read_image import read_image
from keras_seg.data.files.read_mask import read_mask

__all__ = [
    "as_rgb",
    "read_image",
    "read_mask",
]
