"""From images to label maps, and how good they are."""

from keras_seg.inference.evaluate import evaluate
from keras_seg.inference.predict_labels import predict_labels
from keras_seg.inference.region_report import region_report
from keras_seg.inference.segment import segment
from keras_seg.inference.segment_by_protocol import segment_by_protocol
from keras_seg.inference.test_protocol import TestProtocol

__all__ = [
    "TestProtocol",
    "evaluate",
    "predict_labels",
    "region_report",
    "segment",
    "segment_by_protocol",
]
