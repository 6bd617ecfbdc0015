"""Metrics over label maps with void."""

from keras_seg.metrics.calibration_error import CalibrationError
from keras_seg.metrics.mean_iou import MeanIoU

__all__ = ["CalibrationError", "MeanIoU"]
