"""Checks of data sets before training."""

from keras_seg.data.checks.check_dataset import check_dataset
from keras_seg.data.checks.dataset_report import DatasetReport

__all__ = [
    "DatasetReport",
    "check_dataset",
]
