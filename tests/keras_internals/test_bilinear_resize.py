"""Bilinear resizing and its gradient against the formula, on each backend."""

import keras
import numpy as np
import pytest
from gradients import gradients
from numpy_reference import resize_bilinear as reference

from keras_seg.keras_internals import bilinear_by_gathers
from keras_seg.layers import resize_bilinear

SIZES = [
    ((5, 7), (20, 28)),
    ((5, 7), (9, 12)),
    ((9, 12), (4, 5)),
    ((6, 4), (3, 9)),
    ((1, 3), (8, 3)),
    ((4, 1), (1, 6)),
    ((2, 3), (31, 48)),
    ((1, 2), (40, 3)),  # more contributions than gathers are used for
]


def matrix(old, new):
    """What one axis is multiplied with."""
    columns = [
        reference(np.eye(old)[None, :, i : i + 1, None], new, 1)[0, :, 0, 0]
        for i in range(old)
    ]
    return np.stack(columns, axis=1)  # (new, old)


@pytest.mark.parametrize("old,new", SIZES, ids=str)
def test_values_and_gradient(old, new):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *old, 3)).astype("float32")
    weights = rng.normal(size=(2, *new, 3)).astype("float32")
    outputs, found = gradients(lambda x: resize_bilinear(x, new), [x], weights)
    np.testing.assert_allclose(outputs, reference(x, *new), rtol=1e-5, atol=1e-5)
    expected = np.einsum(
        "bpqc,ph,qw->bhwc", weights, matrix(old[0], new[0]), matrix(old[1], new[1])
    )
    np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_keeps_its_dtype(dtype):
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 2))
    y = resize_bilinear(keras.ops.cast(x, dtype), (6, 9))
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    y = keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))
    np.testing.assert_allclose(y, reference(x, 6, 9), rtol=0.02, atol=0.03)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX gathers")
def test_jax_gathers_where_few_positions_contribute():
    import jax

    def operations(old, new):
        function = jax.grad(lambda x: resize_bilinear(x, new).sum())
        return str(jax.make_jaxpr(function)(np.ones((1, *old, 1), "float32")))

    few, many = operations((4, 5), (16, 20)), operations((1, 1), (64, 64))
    assert "gather" in few and "dot_general" not in few and "scatter" not in few
    assert "dot_general" in many
    limit = bilinear_by_gathers.MAX_CONTRIBUTIONS // 2
    assert bilinear_by_gathers.can_gather((1, 2, 2, 1), (2 * limit, 1))
    assert not bilinear_by_gathers.can_gather((1, 2, 2, 1), (2 * limit + 1, 1))
