"""Metrics over label maps with void."""

from keras_seg.metrics.boundary_iou import BoundaryIoU
from keras_seg.metrics.calibration_error import CalibrationError
from keras_seg.metrics.mean_class_accuracy import MeanClassAccuracy
from keras_seg.metrics.mean_iou import MeanIoU
from keras_seg.metrics.pixel_accuracy import PixelAccuracy
from keras_seg.metrics.region_diversity import RegionDiversity
from keras_seg.metrics.region_semantics import RegionSemantics

__all__ = [
    "BoundaryIoU",
    "CalibrationError",
    "MeanClassAccuracy",
    "MeanIoU",
    "PixelAccuracy",
    "RegionDiversity",
    "RegionSemantics",
]
