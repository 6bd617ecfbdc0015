"""The same weights give the same logits on every backend.

`make_cross_backend_golden.py` wrote the numbers, on one of them.
"""

import numpy as np
import pytest
from make_cross_backend_golden import GOLDEN
from small_models import BUILDERS, small_images, small_model


@pytest.mark.parametrize("name", BUILDERS)
def test_logits(name):
    with np.load(GOLDEN) as golden:
        images, expected = golden["images"], golden[name]
    np.testing.assert_array_equal(images, small_images())
    assert expected.std(axis=(0, 1, 2)).min() > 0.05  # numbers that tell something
    actual = small_model(name).predict(images, verbose=0)
    np.testing.assert_allclose(actual, expected, atol=1e-4, rtol=0)
