"""Replicas share one memory, as if one of them had seen all images."""

import sys

import keras
from project_paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from replica_memory import measure_on


def test_two_replicas_have_the_memory_of_one_with_the_joint_batch():
    result = measure_on(keras.config.backend())
    assert result["change"] > 0.1
    assert result["difference"] < 1e-5
