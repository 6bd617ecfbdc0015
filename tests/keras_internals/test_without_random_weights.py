"""Models that are loaded from a preset are built without random weights."""

import concurrent.futures

import keras
import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_seg
from keras_seg.keras_internals.without_random_weights import (
    INITIALIZERS,
    without_random_weights,
)

NAMES = [
    "GlorotUniform",
    "HeNormal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
]


def draw(name="GlorotUniform"):
    return keras.ops.convert_to_numpy(getattr(keras.initializers, name)()((3, 4)))


@pytest.mark.parametrize("name", NAMES)
def test_zeros_inside_and_chance_outside(name):
    with without_random_weights():
        assert not draw(name).any() and draw(name).dtype == "float32"
    assert draw(name).all()


def test_follows_the_dtype():
    with without_random_weights():
        weights = keras.initializers.HeNormal()((2,), dtype="bfloat16")
    assert keras.backend.standardize_dtype(weights.dtype) == "bfloat16"


def test_other_threads_draw_as_ever():
    with without_random_weights(), concurrent.futures.ThreadPoolExecutor() as pool:
        assert pool.submit(draw).result().all()


def test_nested_and_broken_off():
    before = [initializer.__call__ for initializer in INITIALIZERS]
    with pytest.raises(KeyError), without_random_weights():
        with without_random_weights():
            pass
        assert not draw().any()
        raise KeyError
    assert [initializer.__call__ for initializer in INITIALIZERS] == before


def test_what_is_not_loaded_is_drawn(tmp_path):
    model = keras_seg.ECENet(TinyBackbone(), 3, hidden_dim=8)
    model.save_to_preset(tmp_path / "preset")
    same = keras_seg.ECENet.from_preset(tmp_path / "preset")
    for loaded, saved in zip(same.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, saved)
    other = keras_seg.ECENet.from_preset(tmp_path / "preset", num_classes=5)
    empty = keras_seg.ECENet.from_preset(tmp_path / "preset", load_weights=False)
    for model in (other, empty):
        for weight in model.trainable_weights:
            if weight.path.endswith("kernel"):
                assert keras.ops.convert_to_numpy(weight).any(), weight.path
