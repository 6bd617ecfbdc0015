"""A compiled training step equals the eager one, with all state that it updates."""

import os

import keras
import numpy as np
import pytest
from model_harness import scene
from random_weights import set_random_weights
from test_cpt import arrays
from tiny_backbone import TinyBackbone

import keras_seg

BACKEND = keras.config.backend()


@pytest.mark.skipif(
    BACKEND == "jax" or (BACKEND == "torch" and "KERAS_SEG_SLOW" not in os.environ),
    reason="JAX compiles the steps of all tests; torch takes five minutes for this one "
    "and runs it if KERAS_SEG_SLOW is set",
)
def test_a_compiled_step_is_the_eager_one():
    """With query updates, memory, reasoner and all losses."""
    images, labels = scene()
    logs, weights = [], []
    for options in ({"run_eagerly": True}, {"jit_compile": True}):
        model = keras_seg.CPT(
            TinyBackbone(2),
            3,
            hidden_dim=8,
            num_heads=2,
            pool_dim=4,
            dropout=0.0,
            memory_momentum=keras_seg.optimizers.PolynomialDecay(0.1, 20, 0.009),
            reasoner={"num_regions": 5, "depth": 1},
            max_components=6,
        )
        set_random_weights(model.backbone, seed=1)
        set_random_weights(model.head, seed=2)
        model.compile(keras.optimizers.SGD(0.01), **options)
        history = model.fit(images, labels, shuffle=False, verbose=0).history
        logs.append({key: value[0] for key, value in history.items()})
        weights.append(arrays(model.weights))
    assert logs[0]["region_loss"] > 0.1 and logs[0]["mask_loss"] > 0
    assert logs[1] == pytest.approx(logs[0], rel=1e-3, abs=1e-5)
    for eager, compiled in zip(*weights, strict=True):
        np.testing.assert_allclose(compiled, eager, atol=1e-4)
