"""The same weights and images give the same logits on every backend.

`make_cross_backend_golden.py` wrote the numbers, on one of them.
"""

import numpy as np
import pytest
from make_cross_backend_golden import golden_path
from small_models import BUILDERS, small_images, small_model

MODELS = [(family, name) for family, names in BUILDERS.items() for name in names]


@pytest.mark.parametrize(("family", "name"), MODELS)
def test_logits(family, name):
    with np.load(golden_path(family)) as golden:
        images, expected = golden["images"], golden[name]
    np.testing.assert_array_equal(images, small_images())
    assert expected.std(axis=(0, 1, 2)).min() > 0.05  # numbers that tell something
    actual = small_model(family, name).predict(images, verbose=0)
    # Random weights give logits of up to 27: the tolerance grows with their spread.
    atol = 1e-4 * max(1, expected.std())
    np.testing.assert_allclose(actual, expected, atol=atol, rtol=0)
