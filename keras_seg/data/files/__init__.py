"""Reads and pairs image and mask files."""

from keras_seg.data.files.read_mask import read_mask
from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.images.read_image import read_image

__all__ = [
    "as_rgb",
    "read_image",
    "read_mask",
]
